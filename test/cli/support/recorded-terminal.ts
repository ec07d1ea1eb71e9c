// A terminal that remembers what was written to it, in order.
import { Terminal } from '../../../src/cli/terminal.ts';

export interface RecordedTerminal {
  readonly terminal: Terminal;
  /** Everything written to standard output. */
  readonly out: () => string;
  /** Everything written to standard error. */
  readonly error: () => string;
  /** Resolves with the first match in standard output, now or later. */
  readonly seen: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Each line with its stream: `|` for output, `!` for error. */
  readonly lines: () => readonly string[];
}

export function recordTerminal({ colour = false }: { readonly colour?: boolean } = {}): RecordedTerminal {
  const written: { readonly mark: '|' | '!'; readonly text: string }[] = [];
  const of = (mark: '|' | '!'): string =>
    written
      .filter((entry) => entry.mark === mark)
      .map(({ text }) => text)
      .join('');
  const watchers = new Set<() => void>();
  const seen = async (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve) => {
      const look = (): void => {
        const match = pattern.exec(of('|'));
        if (match === null) return;
        watchers.delete(look);
        resolve(match);
      };
      watchers.add(look);
      look();
    });
  return {
    seen,
    terminal: new Terminal({
      out: (text) => {
        written.push({ mark: '|', text });
        for (const look of watchers) look();
      },
      error: (text) => void written.push({ mark: '!', text }),
      colour,
    }),
    out: () => of('|'),
    error: () => of('!'),
    lines: () =>
      written.flatMap(({ mark, text }) =>
        text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark} ${line}`.trimEnd()),
      ),
  };
}
