import assert from 'node:assert/strict';
import { parseLabelSelector, selectsLabels } from '../../../src/domain/cluster/label-selector.ts';
import { good } from '../../support/certificates.ts';

const LABELS = { team: 'shop', 'topology.istio.io/network': 'n1', empty: '' };

const SELECTED: readonly (readonly [text: string, selects: boolean])[] = [
  ['', true],
  ['team', true],
  ['!team', false],
  ['! other', true],
  ['team=shop', true],
  ['team==shop', true],
  ['team = shop', true],
  ['team=other', false],
  ['team!=other', true],
  ['other!=shop', true],
  ['team in (shop, other)', true],
  ['team in (other)', false],
  ['team notin (other)', true],
  ['other notin (shop)', true],
  ['team notin (shop)', false],
  ['topology.istio.io/network=n1,team in (shop,x),!other', true],
  ['team=shop,other', false],
  ['empty=', true],
  ['empty', true],
];

describe('A label selector', () => {
  for (const [text, selects] of SELECTED) {
    it(`${text === '' ? 'without requirements' : text} ${selects ? 'selects' : 'leaves out'}`, () => {
      assert.equal(selectsLabels(good(parseLabelSelector(text)), LABELS), selects);
    });
  }

  for (const text of [
    'team=shop=x',
    'team in shop',
    'team in (shop',
    '=shop',
    'te am',
    'a,,b',
    'team=sh op',
    '-a',
    'A/b=c',
  ]) {
    it(`is not ${text}`, () => {
      const selector = parseLabelSelector(text);
      assert.match('problem' in selector ? selector.problem : '', /is no requirement of a label selector/);
    });
  }
});
