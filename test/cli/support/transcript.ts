// Reads and plays transcripts: what a person types and what they see. One is a text file of
//
//   $ capstan config check     a command, maybe with NAME=value before it and words in '…'
//   | a line of standard output
//   ! a line of standard error; [...] in an expected line stands for any text
//   = 78                       the exit code; absent, it is 0
//   -- name --                 the content of a file, up to the next such line
//
// and anything else, which is comment.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { runCli } from '../../../src/cli/program.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from './recorded-terminal.ts';

/** A server ends at once; whatever else waits is waited for. */
const NEVER = new AbortController().signal;
/** When transcripts happen. */
const NOW_MS = Date.UTC(2026, 0, 1, 0, 10);

export interface Scene {
  readonly command: string;
  readonly expected: readonly string[];
}

export interface Transcript {
  readonly scenes: readonly Scene[];
  readonly files: Readonly<Record<string, string>>;
}

export function parseTranscript(text: string): Transcript {
  const [script = '', ...rest] = text.split(/^-- (.+) --\n/m);
  const scenes: { command: string; expected: string[] }[] = [];
  for (const line of script.split('\n')) {
    if (line.startsWith('$ ')) scenes.push({ command: line.slice(2), expected: [] });
    else if (/^[|!=]( |$)/.test(line)) scenes.at(-1)?.expected.push(line);
  }
  const files = rest.flatMap((name, index) => (index % 2 === 0 ? [[name, rest[index + 1] ?? '']] : []));
  return { scenes, files: Object.fromEntries(files) as Record<string, string> };
}

/** Plays the scenes in a folder of their own. @returns what each command printed, in transcript form. */
export async function play({ scenes, files }: Transcript): Promise<readonly (readonly string[])[]> {
  const home = process.cwd();
  const folder = mkdtempSync(path.join(tmpdir(), 'transcript-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  process.chdir(folder);
  try {
    const played: string[][] = [];
    for (const { command } of scenes) played.push(await run(command));
    return played;
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(command: string): Promise<string[]> {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const name = words.indexOf('capstan');
  const environment = Object.fromEntries(words.slice(0, name).map(assignment));
  const { terminal, lines } = recordTerminal();
  const code = await runCli(words.slice(name + 1), {
    terminal,
    environment,
    clock: new FakeClock(NOW_MS),
    signal: words[name + 1] === 'serve' ? AbortSignal.abort() : NEVER,
  });
  return [...lines(), ...(code === 0 ? [] : [`= ${code}`])];
}

function assignment(word: string): readonly [name: string, value: string] {
  const [name = '', ...value] = word.split('=');
  return [name, value.join('=')];
}

/** @returns whether an expected line, with `[...]` for any text, fits. */
export function fits(expected: string, actual: string): boolean {
  const pattern = expected.split('[...]').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${pattern.join('.*')}$`).test(actual);
}
