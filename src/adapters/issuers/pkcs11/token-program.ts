// The process that has one token and one key of it, for one process of the server: it does one thing after the other, and blocks
// meanwhile. It ends with its server.
import process from 'node:process';
import { KeyFailure } from '../../../live/key-failure.ts';
import type { NumberedRequest, TokenReply } from './messages.ts';
import { TokenSession } from './session.ts';

let session: TokenSession | undefined;

function answer(request: NumberedRequest): unknown {
  if (request.do === 'open') {
    session = TokenSession.open(request);
    return session.opened;
  }
  if (session === undefined) throw new KeyFailure('away', 'the token is not open');
  switch (request.do) {
    case 'sign':
      return session.sign(request.algorithm, request.tbs);
    case 'check':
      session.check();
      return undefined;
    case 'list':
      return session.list();
    case 'remove':
      session.remove(request.spki);
      return undefined;
  }
}

function replyTo(request: NumberedRequest): TokenReply {
  const { number } = request;
  try {
    return { number, value: answer(request) };
  } catch (error) {
    const { kind, message } = error instanceof KeyFailure ? error : new KeyFailure('away', 'unexpected failure');
    return { number, failure: kind, words: message };
  }
}

process.on('message', (request: NumberedRequest) => process.send?.(replyTo(request)));
// What ends a server in a terminal reaches its children too; what is under way there is still to be signed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
