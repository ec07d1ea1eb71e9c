import assert from 'node:assert/strict';
import { ManifestThread } from '../../../../src/adapters/kubernetes/manifests/manifest-thread.ts';
import { readManifestFile } from '../../../../src/adapters/kubernetes/manifests/read-manifests.ts';

const NEVER = { signal: new AbortController().signal };

const settings = (name: string, characters: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { long: ${'x'.repeat(characters)} }\n---\n`;
/** One document, which takes as a tree a hundred times its length. */
const dense = (entries: number): string =>
  `apiVersion: v1\nkind: X\nmetadata: { name: dense }\nspec:\n${'- {a: [1, 2, 3], b: {c: d}}\n'.repeat(entries)}`;

describe('The thread that reads large manifests', () => {
  it('finds what would be found without it, in one part or many', async () => {
    await using thread = new ManifestThread();
    const many = Array.from({ length: 9 }, (_, n) => settings(`s${n}`, 200_000)).join('');
    for (const text of [
      '',
      settings('one', 1),
      many,
      `${many}a: [`,
      'kind: Kustomization\n',
      'spec: {{ x }}\n',
      '__proto__: 1',
    ])
      assert.deepEqual(await thread.read(text, 'a.yaml', NEVER), readManifestFile(text, 'a.yaml'));
  });

  it('loses the file on which it runs out of memory, and goes on with the next', async () => {
    await using thread = new ManifestThread({ heapMegabytes: 48 });
    const { objects, problems } = await thread.read(dense(60_000), 'evil.yaml', NEVER);
    assert.deepEqual(objects, []);
    assert.deepEqual(problems, [
      {
        position: { place: 'evil.yaml', line: 1, column: 1 },
        path: '',
        problem: 'cannot be read: the thread that read it ended (ERR_WORKER_OUT_OF_MEMORY)',
      },
    ]);
    assert.equal((await thread.read(settings('one', 1), 'a.yaml', NEVER)).objects.length, 1);
  });

  it('ends with the signal, in the middle of a file too', async () => {
    await using thread = new ManifestThread();
    const ending = new AbortController();
    const reading = thread.read(dense(60_000), 'a.yaml', ending);
    const why = new Error('the server stops');
    ending.abort(why);
    await assert.rejects(reading, why);
    await assert.rejects(thread.read('', 'a.yaml', ending), why);
  });
});
