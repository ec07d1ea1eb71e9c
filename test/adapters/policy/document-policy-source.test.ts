import assert from 'node:assert/strict';
import { DocumentPolicySource } from '../../../src/adapters/policy/document-policy-source.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { DocumentSet } from '../../support/document-set.ts';
import { recordEvents } from '../../support/recorded-events.ts';

const HEAD = 'apiVersion: capstan.dev/v1alpha1\nkind: NamespacePolicy\n';
const FIRST = `${HEAD}rules: [{namespaces: [first]}]`;
const SECOND = `${HEAD}rules: [{namespaces: [second]}]`;
const BROKEN = `${HEAD}rules: [{namespace: [second]}]`;
const NEVER = new AbortController().signal;

async function started(text: string) {
  const documents = new DocumentSet({ policy: text });
  const events = recordEvents();
  const source = new DocumentPolicySource({ documents, events });
  await source.start({ signal: NEVER });
  let changes = 0;
  source.onChange(() => (changes += 1), { signal: NEVER });
  const allowed = (): string =>
    source
      .current()
      .rules.flatMap(({ namespaces }) => namespaces)
      .join();
  return { documents, events, source, allowed, changes: () => changes };
}

describe('The policy in force', () => {
  it('is not ready before the first load', () => {
    const source = new DocumentPolicySource({ documents: new DocumentSet({}), events: recordEvents() });
    assert.throws(() => source.current(), { reason: 'CAP-S02' });
  });

  it('must be good when the server starts', async () => {
    await assert.rejects(started(BROKEN), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.reason, 'CAP-X03');
      assert.match(error.message, /\/etc\/capstan\/policy:3:/);
      return true;
    });
  });

  it('follows an edit and tells who listens', async () => {
    const { documents, events, source, allowed, changes } = await started(FIRST);
    assert.equal(allowed(), 'first');
    await documents.edit({ policy: SECOND });
    assert.equal(allowed(), 'second');
    assert.equal(changes(), 1);
    assert.deepEqual(events.log.at(-1), {
      event: 'reloaded',
      facts: { source: 'policy', revision: source.current().revision },
    });
  });

  it('stays the last good one after a broken edit, which is told once and in full', async () => {
    const { documents, events, allowed, changes } = await started(FIRST);
    await documents.edit({ policy: BROKEN });
    await documents.edit({});
    assert.equal(allowed(), 'first');
    assert.equal(changes(), 0);
    const [failed, ...more] = events.of('reloadFailed');
    assert.deepEqual(more, []);
    assert.equal(failed?.['source'], 'policy');
    assert.match(
      String(failed['problem']),
      /policy:3:\d+ rules\.0\.namespaces: .*; .*policy:3:\d+ rules\.0\.namespace: /,
    );
  });

  it('tells when a broken edit is taken back, though nothing has changed', async () => {
    const { documents, events, changes } = await started(FIRST);
    await documents.edit({ policy: BROKEN });
    await documents.edit({ policy: FIRST });
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloaded', 'reloadFailed', 'reloaded'],
    );
    assert.equal(changes(), 0);
    await documents.edit({ policy: BROKEN });
    assert.equal(events.of('reloadFailed').length, 2);
  });

  it('outlives a file that is missing for a while', async () => {
    const { documents, events, allowed } = await started(FIRST);
    documents.failure = new AuthorityError('CAP-X03', { detail: '/etc/capstan/policy does not exist' });
    await documents.edit({});
    assert.equal(allowed(), 'first');
    assert.match(String(events.of('reloadFailed')[0]?.['problem']), /does not exist/);
    documents.failure = undefined;
    await documents.edit({ policy: SECOND });
    assert.equal(allowed(), 'second');
  });
});
