// `capstan bundle reset-time`: sets the time by which a running server judges policy bundles back to its clock. It
// asks twice: the first call only shows what it would do, and what the second one has to repeat.
import { POLICY_TIME, type PolicyTime } from '../../../adapters/http/admin/administer-policy-time.ts';
import { askServer, serverOf, type ServerOptions } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';

export interface ResetTimeOptions extends ServerOptions {
  readonly confirm?: string;
}

/** Ends with 1 when nothing was done. @throws CommandError when no server answers, or another time was confirmed. */
export async function resetTime({ confirm, ...options }: ResetTimeOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const { timeMs, clockMs } = (await askServer(server, { method: 'GET', path: POLICY_TIME }, signal)) as PolicyTime;
  const [time, clock] = [timeMs, clockMs].map((ms) => new Date(ms).toISOString());
  if (timeMs <= clockMs) {
    terminal.print(`Policy bundles are judged by the clock, ${clock}. There is nothing to set back.`);
    return;
  }
  if (confirm === undefined) {
    terminal.print(`Policy bundles are judged as of ${time}, because it was that late once; the clock says ${clock}.`);
    terminal.print('If the clock is right now and was wrong then, set the time back. A bundle that expired in between');
    terminal.print(
      'counts as valid again until the clock reaches its expiry. It is recorded. Nothing was done; to do it, add',
    );
    terminal.print(`  --confirm ${time}`);
    invocation.endWith(EXIT.findings);
    return;
  }
  if (confirm !== time) throw new CommandError(EXIT.usage, `the time is ${time}, not ${confirm}: nothing was done`);
  await askServer(server, { method: 'POST', path: POLICY_TIME, body: { expectedMs: timeMs } }, signal);
  terminal.print(`Policy bundles are judged by the clock again, ${clock}; before it was ${time}.`);
}
