import assert from 'node:assert/strict';
import { ManifestClusterView } from '../../../../src/adapters/kubernetes/manifests/manifest-cluster-view.ts';
import type { ManifestTexts } from '../../../../src/adapters/kubernetes/manifests/manifest-directory.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { DocumentSource } from '../../../../src/ports/platform/document-source.ts';
import { DocumentSet } from '../../../support/fakes/document-set.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';

const NEVER = new AbortController().signal;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\n';
const INGRESS = SERVICE.replace('Service', 'Ingress');
const BROKEN = SERVICE.replace('name: web', 'name: 7');

function made(texts: Readonly<Record<string, string>>) {
  const documents = new DocumentSet(texts);
  const events = recordEvents();
  const unreadable = new Map<string, string>();
  const source: DocumentSource<ManifestTexts> = {
    read: async () => {
      const texts = new Map(await documents.read());
      for (const name of unreadable.keys()) texts.delete(name);
      return { texts, unreadable };
    },
    placeOf: (name) => documents.placeOf(name),
    onChange: (listener, options) => documents.onChange(listener, options),
  };
  const view = new ManifestClusterView({ documents: source, events });
  const state = { changes: 0, last: [] as unknown };
  view.onChange(
    (change) => {
      state.changes += 1;
      state.last = change;
    },
    { signal: NEVER },
  );
  const kinds = (): string[] =>
    ['Ingress', 'Service'].filter((kind) =>
      view
        .current()
        .list({ kind, namespace: 'shop' })
        .some(({ metadata }) => metadata.name === 'web'),
    );
  return { documents, unreadable, events, view, kinds, state };
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

  it('says which kinds changed in which namespace; the first reading may have changed everything', async () => {
    const { documents, state, view } = await started({ 'web.yaml': SERVICE });
    assert.equal(state.last, 'everything');
    const synced = view.current().version;
    await documents.edit({ 'other.yaml': INGRESS.replace('shop', 'pay') });
    assert.deepEqual(state.last, new Map([['pay', new Set(['Ingress'])]]));
    const { version, versions } = view.current();
    assert.deepEqual([versions.of('shop'), versions.of('pay')], [synced, version]);
    await documents.edit({ 'namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n' });
    const changed = new Set(['Namespace']);
    assert.deepEqual(
      state.last,
      new Map([
        ['', changed],
        ['shop', changed],
      ]),
    );
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

  it('goes on without a file that breaks, which is told once and in full, and the others are in force', async () => {
    const { documents, events, view, kinds, state } = await started({ 'web.yaml': SERVICE });
    await documents.edit({ 'ingress.yaml': INGRESS, 'broken.yaml': `${BROKEN}---\n7\n` });
    await documents.edit({});
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.equal(state.changes, 2);
    const problem =
      '/etc/capstan/broken.yaml:3:13 metadata.name must be text: put it in quotes; ' +
      '/etc/capstan/broken.yaml:5:1 is no Kubernetes object';
    assert.deepEqual(events.of('reloadFailed'), [{ source: 'cluster', problem, kept: true }]);
    assert.equal(view.problem, problem);
    await documents.edit({ 'broken.yaml': '' });
    assert.equal(view.problem, undefined);
  });

  it('keeps what a file said before it broke, as a whole, until it is mended or goes', async () => {
    const { documents, unreadable, events, view, kinds } = await started({ 'both.yaml': `${SERVICE}---\n${INGRESS}` });
    await documents.edit({ 'both.yaml': `${SERVICE}---\n${BROKEN}` });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.equal(view.current().incomplete, undefined);
    unreadable.set('both.yaml', 'is larger than 16777216 bytes');
    await documents.edit({});
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.equal(view.problem, '/etc/capstan/both.yaml is larger than 16777216 bytes');
    unreadable.clear();
    await documents.edit({ 'both.yaml': 'metadata: {{ .Values.metadata }}' });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.equal(
      view.problem,
      '/etc/capstan/both.yaml:1:12 is a template, such as of Helm, that was not rendered: {{ }} is no YAML',
    );
    await documents.edit({ 'both.yaml': SERVICE });
    assert.deepEqual(kinds(), ['Service']);
    assert.deepEqual(
      events.of('reloadFailed').map(({ kept }) => kept),
      [true, true, true],
    );
  });

  it('believes another file before what a broken one said', async () => {
    const { documents, kinds, view } = await started({ 'a.yaml': `${SERVICE}spec: { v: 1 }\n` });
    await documents.edit({ 'a.yaml': BROKEN, 'b.yaml': `${SERVICE}spec: { v: 2 }\n` });
    assert.deepEqual(kinds(), ['Service']);
    const [service] = view.current().list({ kind: 'Service', namespace: 'shop' });
    assert.deepEqual(service?.['spec'], { v: 2 });
  });

  it('leaves an object to the file that had it: a second one that describes it is broken', async () => {
    const { documents, view } = await started({ 'b.yaml': `${SERVICE}spec: { v: 1 }\n` });
    await documents.edit({ 'a.yaml': `${SERVICE}spec: { v: 2 }\n` });
    const [service] = view.current().list({ kind: 'Service', namespace: 'shop' });
    assert.deepEqual(service?.['spec'], { v: 1 });
    assert.match(view.problem ?? '', /^\/etc\/capstan\/a\.yaml:1:1 Service shop\/web is there twice/);
  });

  it('keeps what stood in a folder that cannot be read any more', async () => {
    const { documents, unreadable, kinds } = await started({ 'team/web.yaml': SERVICE, 'ingress.yaml': INGRESS });
    unreadable.set('team/', 'may not be read by this user');
    unreadable.set('team/web.yaml', '');
    unreadable.delete('team/web.yaml');
    await documents.edit({ 'team/web.yaml': '' });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
  });

  it('passes over what belongs to tools, and counts it', async () => {
    const { view, kinds } = await started({
      'web.yaml': SERVICE,
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]',
      'Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
      'values.yaml': 'replicas: 2\n',
      'patch.yaml': '- { op: remove, path: /spec }\n',
      'templates/web.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: {{ .Release.Name }} }\n',
      'skaffold.yaml': 'apiVersion: skaffold/v4beta6\nkind: Config\n',
      'kind.yaml': 'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n',
    });
    assert.equal(view.problem, undefined);
    assert.deepEqual(kinds(), ['Service']);
    assert.deepEqual(view.counts, { objects: 1, files: 8, passedOver: 7 });
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

  it('is incomplete while it began without a file: what is not found may be there', async () => {
    const { documents, events, view, kinds } = await started({ 'web.yaml': BROKEN, 'ingress.yaml': INGRESS });
    assert.deepEqual(kinds(), ['Ingress']);
    assert.equal(view.current().incomplete, 'manifests cannot be read: /etc/capstan/web.yaml');
    assert.deepEqual(
      events.of('reloadFailed').map(({ kept }) => kept),
      [false],
    );
    await documents.edit({ 'other.yaml': 'spec: {}' });
    assert.match(view.current().incomplete ?? '', /other\.yaml/);
    await documents.edit({ 'web.yaml': SERVICE, 'other.yaml': '' });
    assert.deepEqual(kinds(), ['Ingress', 'Service']);
    assert.equal(view.current().incomplete, undefined);
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
