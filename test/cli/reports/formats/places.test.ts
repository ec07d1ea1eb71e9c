import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { relativePlace, uriOf } from '../../../../src/cli/reports/formats/places.ts';

describe('The place of a finding', () => {
  it('is relative to where the command runs, below that folder', () => {
    assert.equal(relativePlace(path.resolve('policies/shop.yaml')), 'policies/shop.yaml');
    assert.equal(uriOf(path.resolve('policies/a shop.yaml')), 'policies/a%20shop.yaml');
  });

  it('stays as it was given outside that folder, and is a file URI to a pipeline', () => {
    for (const place of ['../beside.yaml', '../../above/shop.yaml', path.resolve('/etc/shop.yaml')]) {
      assert.equal(relativePlace(place), place);
      assert.equal(uriOf(place), pathToFileURL(place).href);
    }
  });
});
