// A policy test that is ready to run.
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { Position } from '../../domain/text/position.ts';
import type { Expectation } from './policy-test-schema.ts';

export interface PolicyTestCase {
  readonly name: string;
  readonly position: Position;
  readonly request: PolicyRequest;
  readonly snapshot: ClusterSnapshot;
  readonly expect: Expectation;
}

export interface PolicyTest {
  readonly name: string;
  readonly position: Position;
  readonly policies: PolicySet;
  readonly cases: readonly PolicyTestCase[];
}
