// Names that somebody else chose, for a terminal or a page: of one line, of bounded length, and read in the order in which they
// are written. What would hide or turn around the text beside it is spelled out.

/** Longer names are cut: their beginning tells them apart, or nothing does. */
const LONGEST = 160;
/** Controls, what turns the direction of reading (Unicode Standard Annex 9) or is invisible, and the other ends of a line. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;

/** @returns the name with `\u{202e}` for what cannot be seen, and how long it is where it was cut. */
export function shownName(name: string): string {
  const characters = Array.from(name);
  const cut = characters.length <= LONGEST ? name : characters.slice(0, LONGEST).join('');
  const plain = plainText(cut);
  if (characters.length <= LONGEST) return plain;
  // What ends so may have been cut before it came here.
  const length = name.endsWith('…') ? `more than ${characters.length - 1}` : `${characters.length}`;
  return `${plain}… (${length} characters)`;
}

/** @returns the text, of whatever length, with `\u{202e}` for what cannot be seen. */
export function plainText(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
