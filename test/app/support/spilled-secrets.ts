// Looks for what must never be written down: tokens, private keys and CSRs, whole or in recognisable part.
import assert from 'node:assert/strict';
import type { RunningServer } from './running-server.ts';

/** PEM of any kind with something in it, what a JWT begins with, and what the base64 of any longer DER begins with. */
const SHAPES = /-----BEGIN [A-Z ]+-----(?:\\n)?[A-Za-z0-9+/]|eyJ[A-Za-z0-9_-]{12}|MI[A-Za-z0-9+/]{40}/g;

/** Stops the server, so that its log is whole, and reads all that it wrote, at the most talkative level. */
export async function assertNothingSpilled(server: RunningServer): Promise<void> {
  const { files } = server;
  await server.stop();
  const written = files.logText + JSON.stringify(files.decisions());
  assert.ok(files.logged('decided').length > 0, 'there is something to look at');
  assert.deepEqual(written.match(SHAPES), null);
  assert.ok(files.mint.minted.length > 0);
  for (const token of files.mint.minted) {
    for (const part of token.split('.')) assert.ok(!written.includes(part), 'a part of a token is in the log');
  }
}
