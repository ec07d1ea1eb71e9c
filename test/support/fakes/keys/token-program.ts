// A process that has no token: it answers as one with an ordinary key, unless the first byte to be signed says otherwise.
import { generateKeyPairSync, sign } from 'node:crypto';
import process from 'node:process';
import type { NumberedRequest, TokenReply, TokenRequest } from '../../../../src/adapters/issuers/pkcs11/messages.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ format: 'der', type: 'spki' });

/** What the first byte of a TBSCertificate makes it do; it is 0x30 in a real one. */
const ODD = { hang: 0, crash: 1, refuse: 2 } as const;

function answer(
  request: TokenRequest,
): { readonly value: unknown } | { readonly failure: 'away'; readonly words: string } {
  if (request.do === 'open') return { value: { spki } };
  if (request.do !== 'sign') return { value: undefined };
  if (request.tbs[0] === ODD.hang) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (request.tbs[0] === ODD.crash) process.kill(process.pid, 'SIGSEGV');
  if (request.tbs[0] === ODD.refuse) return { failure: 'away', words: 'CKR_DEVICE_ERROR at C_Sign' };
  return { value: sign('sha256', request.tbs, privateKey) };
}

process.on('message', (request: NumberedRequest) => {
  process.send?.({ number: request.number, ...answer(request) } satisfies TokenReply);
});
