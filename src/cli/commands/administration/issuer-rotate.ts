// `capstan issuer rotate`: what Capstan would do later by itself, now. The CA above the issuer may take half a minute, so the server
// is asked after it until it is done.
import type { Command } from 'commander';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { ISSUERS } from '../../../adapters/http/admin/administer-issuers.ts';
import type { Rotation } from '../../../authority/administration/issuer-rotations.ts';
import { askServer, serverOf, type ServerOptions } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation, OutputFormat } from '../../invocation.ts';

interface RotateOptions extends ServerOptions {
  readonly output: OutputFormat;
  readonly reason: string;
  readonly activate?: boolean;
}

const LOOK_MS = 500;
/** Beyond the longest that a CA is waited for. */
const MAX_LOOKS = 180;

/** @param command with the options that say which server, and how to print. */
export function registerIssuerRotate(command: Command, invocation: Invocation): void {
  command
    .requiredOption('--reason <text>', 'why, for the journal')
    .option('--activate', 'also put the next certificate in force now')
    .action(async (name: string, options: RotateOptions) => {
      const server = await serverOf(options, invocation);
      if (server === undefined) return;
      const { reason, activate = false, output } = options;
      const { signal, terminal } = invocation;
      const path = `${ISSUERS}/${encodeURIComponent(name)}/rotation`;
      let rotation = (await askServer(
        server,
        { method: 'POST', path, body: { reason, activate } },
        signal,
      )) as Rotation;
      for (let looks = 0; rotation.state === 'under way' && looks < MAX_LOOKS; looks += 1) {
        await new SystemClock().sleep(LOOK_MS, { signal });
        rotation = (await askServer(server, { method: 'GET', path }, signal)) as Rotation;
      }
      if (rotation.state !== 'done') {
        const why = rotation.problem ?? 'the server is still at it: see capstan issuer show';
        throw new CommandError(EXIT.unavailable, `issuer ${name} was not rotated: ${why}`);
      }
      if (output === 'json') terminal.printJson(rotation);
      else terminal.print(words(name, rotation));
    });
}

function words(name: string, { activate, current = '-', prepared = '-' }: Rotation): string {
  return activate
    ? `Issuer ${name} signs with certificate ${current} from now on.`
    : `Certificate ${prepared} is prepared for issuer ${name}; ${current} signs until it comes in force.`;
}
