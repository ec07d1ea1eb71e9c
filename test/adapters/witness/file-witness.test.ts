import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileWitness } from '../../../src/adapters/witness/file-witness.ts';

describe('A file that witnesses heads', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'capstan-witness-'))));
  afterEach(async () => rm(folder, { recursive: true }));
  const head = (text: string) => ({ timeMs: 1, digest: 'ab'.repeat(32), text });

  it('has one line for each, the newest last', async () => {
    const file = path.join(folder, 'heads.jsonl');
    for (const text of ['{"a":1}', '{"b":2}']) await new FileWitness(file).keep(head(text));
    assert.equal(await readFile(file, 'utf8'), '{"a":1}\n{"b":2}\n');
  });

  it('begins anew when it was moved away', async () => {
    const file = path.join(folder, 'heads.jsonl');
    const witness = new FileWitness(file);
    await witness.keep(head('{"a":1}'));
    await rename(file, `${file}.1`);
    await witness.keep(head('{"b":2}'));
    assert.equal(await readFile(file, 'utf8'), '{"b":2}\n');
  });

  it('has the whole of a head on a line of its own behind the half that a full disk left', async () => {
    const file = path.join(folder, 'heads.jsonl');
    await writeFile(file, '{"a":1}\n{"b"');
    await new FileWitness(file).keep(head('{"b":2}'));
    assert.equal(await readFile(file, 'utf8'), '{"a":1}\n{"b"\n{"b":2}\n');
  });

  it('says what it has, the newest first: whole lines of its end, whatever they are', async () => {
    const file = path.join(folder, 'heads.jsonl');
    const witness = new FileWitness(file);
    assert.deepEqual(await witness.lastLines(), [], 'it is made with the first head');
    await writeFile(file, '{"a":1}\n{"b"\n{"c":3}\n{"d"');
    assert.deepEqual(await witness.lastLines(), ['{"c":3}', '{"b"', '{"a":1}']);
    const long = `{"a":"${'x'.repeat(1_000_000)}"}\n`;
    await writeFile(file, `{"first":1}\n${long.repeat(5)}`);
    assert.deepEqual((await witness.lastLines()).length, 4, 'and no more than its last 4 MiB');
  });

  it('says nothing where the server may not read it, and why where that may pass', async () => {
    assert.deepEqual(await new FileWitness('/dev/null').lastLines(), []);
    await writeFile(path.join(folder, 'file'), '');
    const below = new FileWitness(path.join(folder, 'file', 'heads.jsonl'));
    await assert.rejects(below.lastLines(), /^Error: it is below a file/);
  });

  it('says why it cannot be written', async () => {
    const witness = new FileWitness(path.join(folder, 'missing', 'heads.jsonl'));
    await assert.rejects(witness.keep(head('{}')), /^Error: it (does not exist|.*folder)/);
  });
});
