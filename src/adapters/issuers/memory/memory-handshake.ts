// Mutual TLS between two ends of a pair of streams: OpenSSL's verdict on what an issuer signs, without a socket.
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, createSecureContext, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { codeOf } from '../../../domain/text/system-error.ts';
import type { TrialEnd, TrialHandshake } from '../../../ports/issuing/trial-handshake.ts';

/** A handshake in memory takes milliseconds. */
const PATIENCE_MS = 5_000;
/** Judged by Capstan's own clock instead; OpenSSL tells the last thing that it found, and that is the time. */
const TIMELY: readonly string[] = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

/** OpenSSL's codes in our words; what is not here is told by its code. */
const WORDS: Readonly<Record<string, string>> = {
  INVALID_PURPOSE: 'a certificate above it does not allow this purpose',
  PERMITTED_VIOLATION: 'name constraints do not permit its names',
  EXCLUDED_VIOLATION: 'name constraints exclude its names',
  UNABLE_TO_GET_ISSUER_CERT: 'the path does not end in a self-signed trust anchor',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no trust anchor is found for it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'no trust anchor is found for it',
  CERT_SIGNATURE_FAILURE: 'a signature in its chain does not verify',
  INVALID_CA: 'a certificate above it is not one of a CA',
  PATH_LENGTH_EXCEEDED: 'a certificate above it allows fewer intermediates',
};

export const memoryHandshake: TrialHandshake = {
  shake: async ({ server, client, anchorsPem }, { partialChain, signal }) => {
    const [serverSide, clientSide] = duplexPair();
    const shared = { ca: anchorsPem, allowPartialTrustChain: partialChain, rejectUnauthorized: false } as const;
    const either = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    try {
      // A server's own options know no partial chains; a context that is chosen by name does. It listens nowhere.
      const context = createSecureContext({ ...shared, ...materialOf(server) });
      const choose: TlsOptions['SNICallback'] = (_name, use) => use(null, context);
      const listener = createServer({ rejectUnauthorized: false, requestCert: true, SNICallback: choose });
      listener.on('tlsClientError', (cause) => clientSide.destroy(cause));
      const answered = once(listener, 'secureConnection', { signal: either }) as Promise<[TLSSocket]>;
      // Whoever is refused ends both waits.
      answered.catch(NOTHING_MORE);
      listener.emit('connection', serverSide);
      const asking = connect({
        ...shared,
        ...materialOf(client),
        socket: clientSide,
        servername: 'trial.invalid',
        checkServerIdentity: BY_NO_NAME,
      });
      asking.on('error', NOTHING_MORE);
      const [[answering]] = await Promise.all([answered, once(asking, 'secureConnect', { signal: either })]);
      answering.on('error', NOTHING_MORE);
      return refusal('client', asking) ?? refusal('server', answering);
    } catch (cause) {
      signal.throwIfAborted();
      return `the TLS handshake fails (${codeOf(cause) ?? 'no answer'})`;
    } finally {
      for (const stream of [serverSide, clientSide]) stream.destroy();
    }
  },
};

/** What the server is called is not OpenSSL's to judge: a SPIFFE ID means nothing to it. */
const BY_NO_NAME = (): undefined => undefined;
/** Both ends are torn down after the handshake; what they say then is no verdict. */
const NOTHING_MORE = (): undefined => undefined;

function materialOf({ certificateChainPem, privateKeyPem }: TrialEnd): { readonly cert: string; readonly key: string } {
  return { cert: certificateChainPem, key: privateKeyPem };
}

/** Node tells a code, whatever its type says. */
function refusal(who: string, { authorizationError }: TLSSocket): string | undefined {
  const code = authorizationError as unknown as string | null | undefined;
  if (code === null || code === undefined || TIMELY.includes(code)) return undefined;
  return `a TLS ${who} refuses the other end: ${WORDS[code] ?? code}`;
}
