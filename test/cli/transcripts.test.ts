// Plays every file of test/transcripts. With UPDATE_TRANSCRIPTS=1 the files are rewritten with what
// the commands print now; read the difference before you keep it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fits, parseTranscript, play, type Scene } from './support/transcript.ts';

const FOLDER = path.resolve(import.meta.dirname, '../transcripts');
const UPDATE = process.env['UPDATE_TRANSCRIPTS'] === '1';

describe('The command line', () => {
  for (const name of readdirSync(FOLDER)) {
    it(`does what test/transcripts/${name} shows`, async () => {
      const file = path.join(FOLDER, name);
      const text = readFileSync(file, 'utf8');
      const transcript = parseTranscript(text);
      assert.ok(transcript.scenes.length > 0, 'a transcript shows at least one command');
      const played = await play(transcript);
      if (UPDATE) writeFileSync(file, rewritten(text, transcript.scenes, played));
      else for (const [index, scene] of transcript.scenes.entries()) compare(scene, played[index] ?? []);
    });
  }
});

function compare({ command, expected }: Scene, actual: readonly string[]): void {
  const same = expected.length === actual.length && expected.every((line, index) => fits(line, actual[index] ?? ''));
  if (!same) assert.deepEqual(actual, expected, `$ ${command}`);
}

/** Scenes that fit already keep their wording, `[...]` included. */
function rewritten(text: string, scenes: readonly Scene[], played: readonly (readonly string[])[]): string {
  const end = text.search(/^-- .+ --$/m);
  const [script, files] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)];
  let scene = -1;
  const lines = script.split('\n').flatMap((line) => {
    if (line.startsWith('$ ')) {
      scene += 1;
      const { expected = [] } = scenes[scene] ?? {};
      const actual = played[scene] ?? [];
      const kept = expected.length === actual.length && expected.every((want, at) => fits(want, actual[at] ?? ''));
      return [line, ...(kept ? expected : actual)];
    }
    return /^[|!=]( |$)/.test(line) ? [] : [line];
  });
  return lines.join('\n') + files;
}
