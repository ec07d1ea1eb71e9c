import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DocumentKeys } from '../../../../src/adapters/credentials/tokens/document-keys.ts';
import type { DocumentSource } from '../../../../src/ports/platform/document-source.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { signingKey } from './token-maker.ts';

const NEVER = new AbortController().signal;

class ScriptedDocuments implements DocumentSource {
  text: string;
  change: () => Promise<void> = async () => undefined;

  constructor(text: string) {
    this.text = text;
  }

  async read(): Promise<ReadonlyMap<string, string>> {
    return new Map([['keys', this.text]]);
  }

  placeOf(): string {
    return '/etc/jwks.json';
  }

  onChange(listener: () => Promise<void>): void {
    this.change = listener;
  }
}

describe('Token keys in a file', () => {
  const setOf = async (...kids: string[]) =>
    JSON.stringify({ keys: await Promise.all(kids.map(async (kid) => (await signingKey(kid)).jwk)) });

  it('are in force from the start', async () => {
    const keys = new DocumentKeys({ documents: new ScriptedDocuments(await setOf('one')), events: recordEvents() });
    await assert.rejects(keys.current(), { reason: 'CAP-S05' });
    await keys.start({ signal: NEVER });
    assert.equal(await keys.current(), keys.peek());
  });

  it('follow the file; a broken edit keeps the last good ones and says so', async () => {
    const documents = new ScriptedDocuments(await setOf('one'));
    const events = recordEvents();
    const keys = new DocumentKeys({ documents, events });
    await keys.start({ signal: NEVER });
    const first = await keys.current();
    documents.text = '{"keys": [';
    await documents.change();
    assert.equal(keys.peek(), first);
    assert.match(String(events.of('reloadFailed')[0]?.problem), /the token key file \/etc\/jwks\.json is not JSON/);
    documents.text = await setOf('one', 'two');
    await documents.change();
    assert.notEqual(keys.peek(), first);
    assert.equal(await keys.newerThan(first), keys.peek());
    assert.equal(events.of('reloaded').length, 1);
    const second = await keys.current();
    await documents.change();
    assert.equal(keys.peek(), second, 'the same keys stay the same object');
    assert.equal(await keys.newerThan(second), undefined);
  });

  it('stop the start when they are not there', async () => {
    const keys = new DocumentKeys({ documents: new ScriptedDocuments('{"keys":[]}'), events: recordEvents() });
    await assert.rejects(keys.start({ signal: NEVER }), { reason: 'CAP-X03', message: /jwks\.json has no keys/ });
  });

  const CASE = new URL('../../../vectors/cases/jwks-with-private-key/jwks.json', import.meta.url);

  it('with a private part stop the start, whatever key it is in, and are named without being shown', async () => {
    const text = readFileSync(CASE, 'utf8');
    const keys = new DocumentKeys({ documents: new ScriptedDocuments(text), events: recordEvents() });
    await assert.rejects(keys.start({ signal: NEVER }), (error: Error) => {
      assert.match(error.message, /jwks\.json holds a private key: "759792b4-e358-40c7-baf5-068960a8ef2f"; publish/);
      assert.ok(!error.message.includes('r0Y-ZppxJUd8EIxgDJPMOvPjjP4zxXkzGjFlsOrNdpU'));
      return true;
    });
  });

  it('with a private part that come later are not taken: the last good ones stay', async () => {
    const documents = new ScriptedDocuments(await setOf('one'));
    const events = recordEvents();
    const keys = new DocumentKeys({ documents, events });
    await keys.start({ signal: NEVER });
    const first = await keys.current();
    documents.text = readFileSync(CASE, 'utf8');
    await documents.change();
    assert.equal(keys.peek(), first);
    assert.match(String(events.of('reloadFailed')[0]?.problem), /holds a private key: "759792b4/);
  });

  it('are read behind a byte order mark, as every other file is', async () => {
    const text = readFileSync(new URL('../../../vectors/cases/poor-messages/bom', import.meta.url), 'utf8');
    assert.ok(text.startsWith('\uFEFF'));
    const keys = new DocumentKeys({ documents: new ScriptedDocuments(text), events: recordEvents() });
    await keys.start({ signal: NEVER });
    assert.ok(keys.peek());
  });
});
