// The two servers under load: Capstan as an operator would run it, and the bare yardstick.
import { copyFile, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/eventually.ts';
import { BundleSigner, bundleDocument } from '../support/policy/signed-bundle.ts';
import type { Context } from './benchmark.ts';
import type { Material } from './material.ts';
import { SERVER_CORE, startServer, type Core, type RunningServer } from './processes.ts';
import { IDENTITIES, NAMESPACE, TOKEN_ISSUER, TRUST_DOMAIN } from './workloads.ts';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
const READY_POLL_MS = 50;
/** Above what each benchmark opens, so that no bound of the server shapes the numbers. */
const SPARE = 1000;

/** grpc-go with crypto/x509 and nothing around it. */
export async function startBareServer(
  { go, material }: Context,
  { secretBytes = 4096 }: { readonly secretBytes?: number },
): Promise<RunningServer> {
  if (go === undefined) throw new Error('the bare server needs Go');
  const args = [
    ...['-issuer', material.issuerCert, '-key', material.issuerKey, '-roots', material.roots],
    ...['-tls-cert', material.servingCert, '-tls-key', material.servingKey, '-secret-bytes', String(secretBytes)],
  ];
  return startServer(go.server, args, async (firstLine) => {
    return (JSON.parse(await firstLine) as { address: string }).address;
  });
}

export interface Capstan extends RunningServer {
  /** The trust bundle that the server watches. */
  readonly bundleFile: string;
  /** host:port of what is observed. */
  readonly httpAddress: string;
}

export interface CapstanOptions {
  readonly streams: number;
  readonly processes?: number;
  readonly core?: Core;
  readonly journal?: Readonly<Record<string, unknown>>;
  readonly audit?: Readonly<Record<string, unknown>>;
  readonly listen?: { readonly administration: object; readonly console: object };
}

/**
 * `capstan serve` with a token issuer, a policy and a journal on disk.
 * @param options.processes how many answer. @param options.core where they run.
 * @param options.journal keys of the configuration beside or instead of a journal on disk.
 * @param options.audit keys of the configuration; heads of the journal are signed by none where it is absent.
 * @param options.listen listeners beside those that every one has.
 * @param options.streams SDS streams that will be opened, in turn by each identity.
 */
export async function startCapstan(
  material: Material,
  { streams, processes = 1, core = SERVER_CORE, journal, audit, listen }: CapstanOptions,
): Promise<Capstan> {
  const folder = await mkdtemp(path.join(material.folder, 'capstan-'));
  const bundleFile = path.join(folder, 'bundle.pem');
  await copyFile(material.bundles[1], bundleFile);
  const policyFile = path.join(folder, 'bundle.yaml');
  const signer = new BundleSigner();
  await writeFile(policyFile, JSON.stringify(POLICY));
  await writeFile(`${policyFile}.sig`, signer.sign(POLICY));
  await writeFile(path.join(folder, 'bundle-key.pem'), signer.publicKeyPem);
  const [tlsPort, httpPort] = [await freePort(), await freePort()];
  const configFile = path.join(folder, 'capstan.yaml');
  const files = { folder, bundleFile, policyFile };
  // YAML reads JSON as it is.
  const config = configOf(material, files, { tlsPort, httpPort, streams });
  const { administration } = config.listen;
  const listening = { ...config.listen, ...listen, administration: { ...administration, ...listen?.administration } };
  const keys = { ...config, listen: listening, processes, ...(journal && { journal }), ...(audit && { audit }) };
  await writeFile(configFile, JSON.stringify(keys));
  const server = await startServer(
    process.execPath,
    [MAIN, 'serve', '--config', configFile],
    async (_, { signal }) => {
      await answersReady(`http://127.0.0.1:${httpPort}/readyz`, signal);
      return `127.0.0.1:${tlsPort}`;
    },
    core,
  );
  return { ...server, bundleFile, httpAddress: `127.0.0.1:${httpPort}` };
}

const POLICY = bundleDocument([{ namespaces: [NAMESPACE] }], { sequence: 1 });

function configOf(
  material: Material,
  files: { readonly folder: string; readonly bundleFile: string; readonly policyFile: string },
  needs: { readonly tlsPort: number; readonly httpPort: number; readonly streams: number },
) {
  const tokens = { issuers: [{ issuer: TOKEN_ISSUER, keys: { file: material.jwks } }] };
  return {
    trustDomain: TRUST_DOMAIN,
    listen: {
      tls: { address: `127.0.0.1:${needs.tlsPort}` },
      http: { address: `127.0.0.1:${needs.httpPort}` },
      administration: { socket: path.join(files.folder, 'administration.sock') },
    },
    issuer: { chainFile: material.issuerCert, keyFile: material.issuerKey },
    trustAnchors: { file: files.bundleFile },
    policy: {
      bundle: {
        file: files.policyFile,
        keys: [path.join(files.folder, 'bundle-key.pem')],
        stateFile: path.join(files.folder, 'bundle-state.json'),
      },
    },
    authentication: { tokens },
    sds: {
      // All streams are of one namespace.
      namespaceShare: 1,
      maxStreams: needs.streams + SPARE,
      maxStreamsPerCaller: Math.ceil(needs.streams / IDENTITIES) + SPARE,
    },
    journal: { store: path.join(files.folder, 'journal.sqlite') },
  };
}

async function answersReady(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await isReady(url, signal))) await sleep(READY_POLL_MS);
}

async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(url, { signal })).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}
