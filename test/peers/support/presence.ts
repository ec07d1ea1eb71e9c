// Where the peers live and what a test does without one: it skips and says why in its title, or
// fails when REQUIRE_PEERS=1 promises that they are there.
import assert from 'node:assert/strict';
import path from 'node:path';

/** The ignored folder that `npm run peers` fills. */
export const PEERS_HOME = path.resolve(import.meta.dirname, '../../../.peers');

/**
 * For a `before` hook or a test: goes on with the peer, or skips everything under the hook.
 * @throws AssertionError when REQUIRE_PEERS=1 and the peer is absent.
 */
export function peerOrSkip<T>(context: Mocha.Context, peer: T | undefined, name: string): T {
  if (peer !== undefined) return peer;
  const reason = `${name} is not installed: npm run peers`;
  assert.notEqual(process.env['REQUIRE_PEERS'], '1', reason);
  const runnable = context.test!;
  const isHook = (runnable as { readonly type?: string }).type === 'hook';
  // What a hook skips is every test of its suite, so each of them says why.
  for (const test of isHook ? runnable.parent!.tests : [runnable]) test.title += ` (skipped: ${reason})`;
  context.skip();
}
