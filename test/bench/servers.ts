// The two servers under load: Capstan as an operator would run it, and the bare yardstick.
import type { Context } from './benchmark.ts';
import type { Material } from './material.ts';
import { startServer, type RunningServer } from './processes.ts';

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
  return startServer(go.server, args, (line) => (JSON.parse(line) as { address: string }).address);
}

export interface Capstan extends RunningServer {
  /** The trust bundle that the server watches. */
  readonly bundleFile: string;
}

/** `capstan serve` with a token issuer, a policy and a journal on disk. */
export async function startCapstan(_material: Material, _needs: { readonly streams: number }): Promise<Capstan> {
  return Promise.reject(new Error('not wired'));
}
