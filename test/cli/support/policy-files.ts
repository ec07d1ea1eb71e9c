// A folder with policies, manifests and a journal, and the command line run in it: what a pipeline has at hand.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { ClosingRecord } from '../../../src/ports/storage/closing-journal.ts';
import type { DecisionRecord } from '../../../src/ports/storage/issuance-journal.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from './recorded-terminal.ts';

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export class PolicyFiles implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(
    files: Readonly<Record<string, string>>,
    records: readonly DecisionRecord[],
    closings: readonly ClosingRecord[] = [],
  ): Promise<PolicyFiles> {
    const made = new PolicyFiles(await mkdtemp(path.join(tmpdir(), 'capstan-policy-')));
    for (const [name, text] of Object.entries(files)) await made.write(name, text);
    const writer = new JournalWriter({ file: made.path('journal.db') });
    writer.append(records);
    if (closings.length > 0) writer.recordClosings(closings, undefined);
    writer.close();
    return made;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async write(name: string, text: string): Promise<void> {
    await mkdir(path.dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }

  /** @param words of a command line; `@name` stands for the file of that name. */
  async run(...words: readonly string[]): Promise<Run> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(
      words.map((word) => (word.startsWith('@') ? this.path(word.slice(1)) : word)),
      { terminal, environment: {}, clock: new FakeClock(), signal: new AbortController().signal },
    );
    return { code, out: out(), error: error() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
