// Public keys that a person names, pinned for the length of a command.
import { pinKeys, type PinnedKeys } from '../../adapters/policy/bundle/pinned-keys.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from './files.ts';

/** @throws CommandError 66 naming a file that cannot be read, 65 one that holds no such key, 64 for more signatures than keys. */
export async function readKeys(files: readonly string[], threshold: number): Promise<PinnedKeys> {
  const texts = new Map<string, string>();
  for (const file of files) texts.set(file, await readInput(file));
  if (threshold > texts.size) {
    throw new CommandError(EXIT.usage, `--threshold ${threshold} is more than there are keys (${texts.size})`);
  }
  try {
    return pinKeys(texts, threshold);
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    const [first] = cause.violations;
    throw new CommandError(EXIT.data, `${first?.path ?? 'a key'} ${first?.actual ?? 'is none'}`, { cause });
  }
}
