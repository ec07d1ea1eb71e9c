import assert from 'node:assert/strict';
import { ApiTokenKeys, type KeysFile } from '../../../../src/adapters/kubernetes/reviews/api-token-keys.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { FakeKubernetesApi } from '../../../support/fakes/kubernetes/fake-kubernetes-api.ts';

const WAITING = { signal: new AbortController().signal };
const ISSUER = 'https://kubernetes.default.svc';
const JWKS = { keys: [{ kty: 'EC', kid: 'one' }] };

class MemoryFile implements KeysFile {
  text: string | undefined;
  failure: Error | undefined;

  async read(): Promise<string | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.text;
  }

  async write(text: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.text = text;
  }
}

describe('The key documents of an API server', () => {
  let api: FakeKubernetesApi;
  let file: MemoryFile;
  let problems: string[];
  let documents: ApiTokenKeys;
  beforeEach(() => {
    [api, file, problems] = [new FakeKubernetesApi(), new MemoryFile(), []];
    api.documents.set('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: 'https://elsewhere/jwks' });
    api.documents.set('/openid/v1/jwks', JWKS);
    const onFileProblem = (problem: string): void => void problems.push(problem);
    documents = new ApiTokenKeys({ api, clock: new FakeClock(), file, onFileProblem });
  });

  it('are read from itself, wherever it says that they are', async () => {
    assert.deepEqual(await documents.read(WAITING), { issuer: ISSUER, keys: JWKS });
    assert.deepEqual(api.calls, ['raw /.well-known/openid-configuration', 'raw /openid/v1/jwks']);
  });

  it('are kept for the next start, with their time', async () => {
    await documents.read(WAITING);
    assert.deepEqual(await documents.kept(), { issuer: ISSUER, keys: JWKS, readAtMs: NOON_MS });
  });

  it('are not kept when it names no issuer', async () => {
    api.documents.set('/.well-known/openid-configuration', {});
    await assert.rejects(documents.read(WAITING), /names no issuer/);
    assert.equal(file.text, undefined);
  });

  it('are used though their file cannot be, and that is said', async () => {
    file.failure = new Error('keys.json cannot be written (ENOSPC)');
    assert.equal((await documents.read(WAITING)).issuer, ISSUER);
    assert.equal(await documents.kept(), undefined);
    assert.deepEqual(problems, ['keys.json cannot be written (ENOSPC)', 'keys.json cannot be written (ENOSPC)']);
  });

  for (const text of ['', 'null', '{}', '{"issuer":"a"}', '{"issuer":7,"keys":{},"readAtMs":1}']) {
    it(`are none in a file of another: ${text}`, async () => {
      file.text = text;
      assert.equal(await documents.kept(), undefined);
      assert.match(problems.join(), /not one that Capstan wrote/);
    });
  }
});
