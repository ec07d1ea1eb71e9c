import assert from 'node:assert/strict';
import { PolicyAdmission, type Standing } from '../../../../src/adapters/kubernetes/admission/policy-admission.ts';
import { FakeClock } from '../../../support/fakes/fake-clock.ts';

const GOOD: Standing = { problems: [], exceeding: [], warnings: [], bundle: 'corp@7' };
const GREEDY: Standing = {
  ...GOOD,
  exceeding: [{ field: 'spec.narrow.ttl.max', actual: '48h', allowed: '24h' }],
};

function review(spec: object, oldSpec?: object): object {
  const object = (of: object) => ({
    apiVersion: 'capstan.dev/v1alpha1',
    kind: 'IssuancePolicy',
    metadata: { name: 'web', namespace: 'shop', managedFields: [{}] },
    spec: of,
  });
  const request = { uid: 'u1', object: object(spec), oldObject: oldSpec === undefined ? null : object(oldSpec) };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

function answered(standing: Standing, ...[spec, oldSpec]: Parameters<typeof review>) {
  const judged: unknown[] = [];
  const clock = new FakeClock();
  const admission = new PolicyAdmission({
    clock,
    judge: (text) => {
      judged.push(JSON.parse(text));
      return standing;
    },
  });
  const answer = admission.answer(JSON.stringify(review(spec, oldSpec))) as {
    response: Readonly<Record<string, unknown>>;
  };
  return { ...answer.response, judged } as Readonly<Record<string, unknown>>;
}

describe('Admission of a policy', () => {
  it('takes one within the bundle, and judges what its owner wrote', () => {
    const { uid, allowed, warnings, judged } = answered(GOOD, { mode: 'audit' });
    assert.deepEqual([uid, allowed, warnings], ['u1', true, undefined]);
    assert.deepEqual(judged, [
      {
        apiVersion: 'capstan.dev/v1alpha1',
        kind: 'IssuancePolicy',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { mode: 'audit' },
      },
    ]);
  });

  it('refuses one that exceeds the bundle, with the path of the field and what the bundle gives', () => {
    const { allowed, status } = answered(GREEDY, {});
    assert.equal(allowed, false);
    assert.deepEqual(status, {
      code: 422,
      reason: 'Invalid',
      message: 'spec.narrow.ttl.max is 48h, corp@7 gives 24h',
      details: {
        causes: [{ reason: 'FieldValueInvalid', field: 'spec.narrow.ttl.max', message: 'is 48h, corp@7 gives 24h' }],
      },
    });
  });

  it('refuses what is no policy, with every field that is wrong', () => {
    const problems = [
      { field: 'spec.conditions.a.where', problem: 'does not parse' },
      { field: 'spec.narrow.keys', problem: 'must not be empty' },
    ];
    const { allowed, status } = answered({ ...GOOD, problems }, {});
    assert.equal(allowed, false);
    assert.equal(
      (status as { message: string }).message,
      'spec.conditions.a.where does not parse; spec.narrow.keys must not be empty',
    );
  });

  it('warns of what leaves nothing to anybody, and takes it', () => {
    const { allowed, warnings } = answered({ ...GOOD, warnings: ['spec.narrow.keys: leaves none'] }, {});
    assert.deepEqual([allowed, warnings], [true, ['spec.narrow.keys: leaves none']]);
  });

  it('takes an edit of something else of one that a later bundle outran, with a warning', () => {
    const { allowed, warnings } = answered(GREEDY, { mode: 'audit' }, { mode: 'audit' });
    assert.deepEqual([allowed, warnings], [true, ['spec.narrow.ttl.max is 48h, corp@7 gives 24h']]);
    assert.equal(answered(GREEDY, { mode: 'audit' }, { mode: 'off' })['allowed'], false);
  });

  it('lets pass unjudged what would take more than a tenth of a second in each second', () => {
    let [nowMs, judged] = [0, 0];
    const admission = new PolicyAdmission({
      clock: { monotonicMs: () => nowMs },
      judge: () => {
        judged += 1;
        nowMs += 60;
        return GREEDY;
      },
    });
    const text = JSON.stringify(review({}));
    const ask = () => (admission.answer(text) as { response: { allowed: boolean; warnings?: string[] } }).response;
    assert.deepEqual([ask().allowed, ask().allowed], [false, false]);
    const third = ask();
    assert.deepEqual([third.allowed, judged], [true, 2]);
    assert.match(third.warnings?.[0] ?? '', /Capstan is busy/);
    nowMs += 1_000;
    assert.equal(ask().allowed, false);
  });

  it('counts the time that a question takes to be read, and reads none beyond it', () => {
    const times = [0, 200, 201];
    const clock = { monotonicMs: () => times.shift() ?? assert.fail() };
    const admission = new PolicyAdmission({ clock, judge: () => assert.fail() });
    assert.equal(admission.answer('[[[[]]]]'), undefined);
    const unreadable = '{"kind":"AdmissionReview","request":{"uid":"u2","object":[[[';
    const { uid, allowed } = (admission.answer(unreadable) as { response: { uid: string; allowed: boolean } }).response;
    assert.deepEqual([uid, allowed], ['u2', true]);
  });

  for (const body of [
    '',
    'no JSON',
    'null',
    '"x"',
    '{}',
    '{"kind":"AdmissionReview"}',
    '{"kind":"AdmissionReview","request":{}}',
  ]) {
    it(`answers nothing to ${body === '' ? 'nothing' : body}`, () => {
      const admission = new PolicyAdmission({ clock: new FakeClock(), judge: () => assert.fail() });
      assert.equal(admission.answer(body), undefined);
    });
  }
});
