// Files and directories in which rogue CAs are looked for, as somebody named them in a command.
import { lookInFiles } from '../../../app/estate/look-in-files.ts';
import { fileProblem } from '../../../domain/text/system-error.ts';
import type { Gathered } from '../../../review/rogue/gathered.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';

export interface PathSearch {
  readonly paths: readonly string[];
  /** Whether to say how far it has come where there is no terminal. */
  readonly progress: boolean;
}

/** @returns how many files were looked at. @throws CommandError 2 naming a path that is not there. */
export async function lookInPaths(
  { paths, progress: lines }: PathSearch,
  gathered: Gathered,
  { terminal, clock, signal }: Pick<Invocation, 'terminal' | 'clock' | 'signal'>,
): Promise<number> {
  let shown: Progress | undefined;
  const looked = await lookInFiles(
    {
      paths,
      unlisted: (named, cause) => {
        throw new CommandError(EXIT.unreadable, `cannot look in ${named}: it ${fileProblem(cause)}`, { cause });
      },
      progress: ({ files, of: total }) => {
        shown ??= new Progress({ terminal, clock }, { what: 'files', total, lines });
        shown.reach(files);
      },
    },
    gathered,
    { signal },
  );
  shown?.end();
  return looked;
}
