import assert from 'node:assert/strict';
import { ManifestClusterView } from '../../../src/adapters/kubernetes/manifest-cluster-view.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import { DocumentSet } from '../../support/document-set.ts';
import { recordEvents } from '../../support/recorded-events.ts';

const NEVER = new AbortController().signal;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\n';
const INGRESS = SERVICE.replace('Service', 'Ingress');
const BROKEN = SERVICE.replace('name: web', 'name: 7');

function made(texts: Readonly<Record<string, string>>) {
  const documents = new DocumentSet(texts);
  const events = recordEvents();
  const view = new ManifestClusterView({ documents, events });
  const state = { changes: 0 };
  view.onChange(() => (state.changes += 1), { signal: NEVER });
  const kinds = (): string[] =>
    ['Ingress', 'Service'].filter((kind) =>
      view
        .current()
        .list({ kind, namespace: 'shop' })
        .some(({ metadata }) => metadata.name === 'web'),
    );
  return { documents, events, view, kinds, state };
}

async function started(texts: Readonly<Record<string, string>>) {
  const all = made(texts);
  await all.view.start({ signal: NEVER });
  return all;
}

describe('The cluster as a directory of manifests', () => {
  it('has not synced before it is read', () => {
    const { unsynced, version } = made({}).view.current();
    assert.equal(unsynced, 'the manifests of the cluster are not read yet');
    assert.equal(version, 'unsynced');
  });

  it('has synced once it is read, an empty directory too', async () => {
    const { view, events, kinds } = await started({ 'web.yaml': SERVICE });
    assert.equal(view.current().unsynced, undefined);
    assert.deepEqual(kinds(), ['Service']);
    assert.deepEqual(events.log, [
      { event: 'reloaded', facts: { source: 'cluster', revision: view.current().version } },
    ]);
    assert.equal((await started({})).view.current().unsynced, undefined);
  });

  it('shows a new manifest to who asks and to who listens', async () => {
    const { documents, view, kinds, state } = await started({ 'web.yaml': SERVICE });
    const before = view.current();
    await documents.edit({ 'ingress.yaml': INGRESS });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.notEqual(view.current().version, before.version);
    assert.equal(state.changes, 2);
    assert.equal(before.list({ kind: 'Ingress', namespace: 'shop' }).length, 0);
  });

  it('is the same when only comments, files and their order differ', async () => {
    const { documents, view, state, events } = await started({ 'a.yaml': `${SERVICE}---\n${INGRESS}` });
    const before = view.current();
    await documents.edit({ 'a.yaml': INGRESS, 'b.yaml': `# moved\n${SERVICE}` });
    assert.equal(view.current(), before);
    assert.equal(state.changes, 1);
    assert.equal(events.log.length, 1);
  });

  it('differs when an object is written again under its name', async () => {
    const { documents, view, state } = await started({ 'a.yaml': SERVICE });
    const before = view.current().version;
    await documents.edit({ 'a.yaml': `${SERVICE}spec: {}\n` });
    assert.notEqual(view.current().version, before);
    assert.equal(state.changes, 2);
  });

  it('stays the last good one as a whole when one file breaks, which is told once and in full', async () => {
    const { documents, events, kinds, state } = await started({ 'web.yaml': SERVICE });
    await documents.edit({ 'ingress.yaml': INGRESS, 'broken.yaml': `${BROKEN}---\n7\n` });
    await documents.edit({});
    assert.deepEqual(kinds(), ['Service']);
    assert.equal(state.changes, 1);
    assert.deepEqual(events.of('reloadFailed'), [
      {
        source: 'cluster',
        problem:
          '/etc/capstan/broken.yaml:3:13 metadata.name must be text: put it in quotes; ' +
          '/etc/capstan/broken.yaml:5:1 is no Kubernetes object',
      },
    ]);
    await documents.edit({ 'broken.yaml': '' });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
  });

  it('tells when a broken edit is taken back, though nothing has changed', async () => {
    const { documents, events, state } = await started({ 'web.yaml': SERVICE });
    for (const text of [BROKEN, SERVICE, BROKEN]) await documents.edit({ 'web.yaml': text });
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloaded', 'reloadFailed', 'reloaded', 'reloadFailed'],
    );
    assert.equal(state.changes, 1);
  });

  it('has not synced while it was never good: the server starts all the same', async () => {
    const { documents, events, view, kinds } = await started({ 'web.yaml': BROKEN });
    assert.equal(view.current().unsynced, 'the manifests of the cluster are not read yet');
    assert.equal(events.of('reloadFailed').length, 1);
    await documents.edit({ 'web.yaml': SERVICE });
    assert.deepEqual(kinds(), ['Service']);
  });

  it('outlives a directory that is missing, at the start and later', async () => {
    const { documents, events, view, kinds } = made({ 'web.yaml': SERVICE });
    const missing = new AuthorityError('CAP-X03', { detail: '/etc/capstan/cluster does not exist' });
    documents.failure = missing;
    await view.start({ signal: NEVER });
    await documents.edit({});
    assert.notEqual(view.current().unsynced, undefined);
    documents.failure = undefined;
    await documents.edit({});
    assert.deepEqual(kinds(), ['Service']);
    documents.failure = missing;
    await documents.edit({});
    assert.deepEqual(kinds(), ['Service']);
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['reloadFailed', 'reloaded', 'reloadFailed'],
    );
    assert.match(String(events.of('reloadFailed')[0]?.['problem']), /does not exist/);
  });

  it('no longer calls a listener whose signal has ended', async () => {
    const { documents, view } = await started({ 'web.yaml': SERVICE });
    const ended = new AbortController();
    let calls = 0;
    view.onChange(() => (calls += 1), { signal: ended.signal });
    ended.abort();
    view.onChange(() => (calls += 1), { signal: ended.signal });
    await documents.edit({ 'ingress.yaml': INGRESS });
    assert.equal(calls, 0);
  });

  it('tells twenty problems of a broken edit and counts the rest', async () => {
    const texts = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`${index}.yaml`, '7']));
    const { events } = await started(texts);
    assert.match(String(events.of('reloadFailed')[0]?.['problem']), /; and 5 more$/);
  });
});
