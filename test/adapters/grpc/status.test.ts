import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { toServiceError } from '../../../src/adapters/grpc/status.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { REASONS, type Reason } from '../../../src/domain/reasons.ts';
import { recordEvents } from '../../support/fakes/recorded-events.ts';
import { CsrWire, openTlsEdge, type TlsEdge } from './wire.ts';

/** What Istio's client does not retry. */
const FINAL = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
]);
const RETRIED = new Set([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED]);

/** Trying again helps, but not at once: the client comes back at its own pace. */
const QUOTAS: readonly Reason[] = ['CAP-Q03', 'CAP-Q04'];

/** By the letter of the reason code: what a client should do about it. */
const CONTRACT: Readonly<Record<string, ReadonlySet<status>>> = {
  A: new Set([status.UNAUTHENTICATED]),
  C: new Set([status.INVALID_ARGUMENT, status.PERMISSION_DENIED]),
  K: new Set([status.INVALID_ARGUMENT]),
  M: new Set([status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNAUTHENTICATED]),
  /** Of operations, which are asked for over HTTP; who retries waits. */
  O: new Set([status.PERMISSION_DENIED, status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.UNAVAILABLE]),
  P: new Set([status.PERMISSION_DENIED]),
  Q: new Set([status.RESOURCE_EXHAUSTED, status.FAILED_PRECONDITION, status.UNAVAILABLE]),
  R: new Set([status.PERMISSION_DENIED]),
  S: new Set([status.UNAVAILABLE]),
  X: new Set([status.INTERNAL, status.CANCELLED]),
};

/** Of impersonation, by a node proxy or by who relays a signing request, its caller is told nothing but that it is refused. */
const OPAQUE: ReadonlySet<Reason> = new Set(['CAP-A07', 'CAP-A15', 'CAP-A16', 'CAP-A17', 'CAP-M05']);

const textOf = (reason: Reason, { message }: AuthorityError): string =>
  reason.startsWith('CAP-X') && reason !== 'CAP-X02' ? `${reason} internal error` : message;

describe('The status of a refusal', () => {
  let edge: TlsEdge;
  let wire: CsrWire;
  before(async () => {
    edge = await openTlsEdge();
    wire = CsrWire.toTls(edge);
  });
  after(async () => {
    wire[Symbol.dispose]();
    await edge[Symbol.asyncDispose]();
  });

  for (const reason of Object.keys(REASONS) as Reason[]) {
    it(`reaches the client for ${reason}, with the reason code and the decision`, async () => {
      const error = new AuthorityError(reason, { detail: 'the field', decisionId: 'abc123' });
      edge.authority.answer = async () => Promise.reject(error);
      const { code, details } = await wire.call();
      assert.ok(CONTRACT[reason[4]!]!.has(code), `${reason} left as ${status[code]}`);
      const text = OPAQUE.has(reason) ? `CAP-A07 ${REASONS['CAP-A07'].text}` : textOf(reason, error);
      assert.equal(details, `${text} id=abc123`);
    });
  }

  it('is never one that is retried, unless trying again can help', () => {
    const events = recordEvents();
    for (const reason of Object.keys(REASONS) as Reason[]) {
      const { code } = toServiceError(new AuthorityError(reason), { events, where: 'test' });
      const final = 'ACKMP'.includes(reason[4]!) || QUOTAS.includes(reason);
      const wanted = final ? FINAL : 'QS'.includes(reason[4]!) ? RETRIED : undefined;
      assert.ok(wanted?.has(code) ?? true, `${reason} leaves as ${status[code]}`);
    }
  });

  it('does not make a client that is over its quota repeat at once, and tells it when to come again', () => {
    for (const reason of QUOTAS) {
      const error = new AuthorityError(reason, { retryAfterMs: 30_000 });
      const { code, metadata } = toServiceError(error, { events: recordEvents(), where: 'test' });
      assert.equal(code, status.FAILED_PRECONDITION);
      assert.deepEqual(metadata.get('grpc-retry-pushback-ms'), ['30000']);
    }
  });

  it('says impersonation is not authenticated, as istiod does', () => {
    const { code } = toServiceError(new AuthorityError('CAP-A07'), { events: recordEvents(), where: 'test' });
    assert.equal(code, status.UNAUTHENTICATED);
  });

  it('keeps text that a caller chose from breaking the line', async () => {
    edge.authority.answer = async () => Promise.reject(new AuthorityError('CAP-C03', { detail: 'a\r\nb%41\u00e9' }));
    assert.match((await wire.call()).details, /: a\?\?b%41\?$/);
  });
});
