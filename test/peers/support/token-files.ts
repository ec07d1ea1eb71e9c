// The files around a bootstrap that reaches the SDS over TLS: the server's CA, the token in both
// spellings, and the two file secrets that point to them.
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fillIn } from '../envoy/support/bootstrap.ts';
import { type Capstan, SERVER_NAME } from './capstan.ts';

/** Replaces the token, as the kubelet does: a whole new file in the old one's place. */
export function writeToken(directory: string, token: string): void {
  replace(path.join(directory, 'token'), token);
  replace(path.join(directory, 'header'), `Bearer ${token}`);
}

/** Writes everything into `directory` and returns the bootstraps' values. */
export function tlsValues(capstan: Capstan, directory: string, token: string): Readonly<Record<string, string>> {
  const inside = (name: string): string => path.join(directory, name);
  const values = {
    SERVER_ADDRESS: '127.0.0.1',
    SERVER_PORT: String(capstan.tlsPort),
    SERVER_NAME,
    SERVER_CA: inside('server-ca.pem'),
    SERVER_CA_DIRECTORY: directory,
    TOKEN_FILE: inside('token'),
    HEADER_FILE: inside('header'),
    HEADER_DIRECTORY: directory,
    TOKEN_SECRET: inside('mesh-token-secret.yaml'),
    SERVER_CA_SECRET: inside('server-ca-secret.yaml'),
  };
  writeToken(directory, token);
  replace(values.SERVER_CA, capstan.anchorsPem);
  replace(values.TOKEN_SECRET, fillIn('mesh-token-secret', values));
  replace(values.SERVER_CA_SECRET, fillIn('server-ca-secret', values));
  return values;
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
