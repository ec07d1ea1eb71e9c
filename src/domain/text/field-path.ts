// How the fields of a document are named in problems: dotted, and safe to print whatever a file calls them.

/** Names of fields, and places in lists: the number, or the `id` of the entry, as decisions spell it. */
export type FieldPath = readonly (string | number)[];

/** Longer than any name of ours. */
const MAX_STEP_LENGTH = 80;

/** A name that somebody wrote may be as long as the file, and hold line ends. */
export function formatStep(step: string | number): string {
  const word = String(step)
    .slice(0, MAX_STEP_LENGTH)
    .replaceAll(/\p{Cc}/gu, '?');
  return word.length < String(step).length ? `${word}...` : word;
}
