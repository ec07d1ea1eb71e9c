// A picture of what stands on a terminal, as SVG: its text in a window, with the colours that say what a line is about. It is made
// of the text alone, so that a page can show both, and a test can tell that they are the same.

const [WIDTH, HEIGHT] = [8.4, 20];
const MARGIN = 20;
const BAR = 36;
const FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
const [DIM, FULL, REST, HEAD, WARNING] = ['#8b949e', '#3fb950', '#484f58', '#79c0ff', '#d29922'];

/** First match counts; what matches none has the window's own colour. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [/^Rotation /, HEAD],
  [/^NAMESPACE|^As of |^ {2}(from|to) /, DIM],
  [/^Behind|^In the way/, WARNING],
];

export function pictureOf(text: string, title: string): string {
  const lines = text.trimEnd().split('\n');
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * WIDTH + 2 * MARGIN);
  const height = lines.length * HEIGHT + BAR + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    `<rect width="${width}" height="${BAR}" rx="8" fill="#161b22"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (fill, index) => `<circle cx="${MARGIN + index * 20}" cy="${BAR / 2}" r="6" fill="${fill}"/>`,
    ),
    `<text x="${width / 2}" y="${BAR / 2 + 5}" text-anchor="middle" font-family="${FONT}" font-size="13" fill="${DIM}">$ ${escaped(title)}</text>`,
    `<g font-family="${FONT}" font-size="14" fill="#e6edf3">`,
    ...lines.flatMap((line, index) => (line === '' ? [] : [lineAt(line, BAR + MARGIN + (index + 0.75) * HEIGHT)])),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** A bar's two parts, and what is between bars. */
const BARS = /(?<=\[)#+|(?<=\[#*)-+(?=\])|(?:(?!(?<=\[)#)(?!(?<=\[#*)-+\]).)+/g;

/** Each run of one colour by itself and of a fixed length, so that columns stand below each other in whatever font is there. */
function lineAt(line: string, y: number): string {
  const colour = LINES.find(([pattern]) => pattern.test(line))?.[1];
  return [...line.matchAll(BARS)]
    .map(({ 0: run, index }) => runAt(run, { x: MARGIN + index * WIDTH, y }, colourOf(run) ?? colour))
    .join('');
}

function colourOf(run: string): string | undefined {
  if (/^#+$/.test(run)) return FULL;
  return /^-+$/.test(run) ? REST : undefined;
}

function runAt(run: string, { x, y }: { readonly x: number; readonly y: number }, colour: string | undefined): string {
  if (run.trim() === '') return '';
  const fill = colour === undefined ? '' : ` fill="${colour}"`;
  const length = `textLength="${(run.length * WIDTH).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`;
  return `<text x="${x.toFixed(1)}" y="${y}" ${length}${fill}>${escaped(run)}</text>`;
}

/** Spaces do not break, for browsers make one of several, and no longer heed `xml:space`. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(' ', '\u00a0');
}
