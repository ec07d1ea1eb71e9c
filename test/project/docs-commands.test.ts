// Commands that pages tell people to type: each exists, with each of its options.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runCli } from '../../src/cli/program.ts';
import { recordTerminal } from '../cli/support/recorded-terminal.ts';

const DOCS = path.resolve(import.meta.dirname, '../../docs');

/** Without those that are cut short, and the first lines of what is signed. */
function commandsIn(page: string): readonly string[] {
  const text = readFileSync(path.join(DOCS, page), 'utf8');
  const inline = [...text.matchAll(/`(capstan [a-z][^`]*)`/g)].map(([, command]) => command!);
  const typed = [...text.matchAll(/^(?:\$ )?(capstan [a-z].*)$/gm)].map(([, command]) => command!);
  return [...new Set([...inline, ...typed])].filter((command) => !/…| v\d$/.test(command));
}

async function helpOf(words: readonly string[]): Promise<string> {
  const { terminal, out } = recordTerminal();
  await runCli([...words, '--help'], { terminal, environment: {}, signal: new AbortController().signal });
  return out();
}

/** The last word may be an argument, as in `capstan policy test tests`. */
function isHelpOf(names: readonly string[], help: string): boolean {
  if (help.startsWith(`Usage: capstan ${names.join(' ')} `)) return true;
  return new RegExp(`^Usage: capstan ${names.slice(0, -1).join(' ')} \\[options\\] [<[]`).test(help);
}

for (const page of readdirSync(DOCS).filter((name) => name.endsWith('.md'))) {
  describe(`The commands of docs/${page}`, () => {
    for (const command of commandsIn(page)) {
      it(command, async () => {
        const [, ...words] = command
          .replace(/\s#.*$/, '')
          .trim()
          .split(/\s+/);
        const named = words.slice(0, words.findIndex((word) => !/^[a-z]+$/.test(word)) + 1 || undefined);
        const names = named.filter((word) => /^[a-z]+$/.test(word));
        const help = await helpOf(names);
        assert.ok(isHelpOf(names, help), `there is no ${names.join(' ')}`);
        for (const option of words.filter((word) => word.startsWith('--'))) {
          assert.ok(
            help.includes(`${option.split('=')[0]!} `) || help.includes(`${option}\n`),
            `${option} is no option`,
          );
        }
      });
    }
  });
}
