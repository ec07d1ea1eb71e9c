// `capstan worker`: one of several processes of a server. `capstan serve` starts it and nobody else does, so that no help
// lists it.
import process from 'node:process';
import type { Command } from 'commander';
import { CommandError, EXIT, exitCodeOf } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';

export function registerWorker(program: Command, { signal, rereads, endWith }: Invocation): void {
  program.command('worker', { hidden: true }).action(async () => {
    if (process.send === undefined) {
      throw new CommandError(EXIT.usage, '`capstan serve` starts workers; set the key `processes` to have several');
    }
    const { runWorker } = await import('../../../app/supervisor/worker.ts');
    // The supervisor says what is wrong, once for all workers.
    await runWorker({ signal, rereads }).catch((error: unknown) => endWith(exitCodeOf(error)));
  });
}
