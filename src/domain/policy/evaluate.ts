// Whether policy allows a request: pure, default deny. Rules only allow, so their order means nothing.
import type { Violation } from '../errors.ts';
import type { NamePattern, Policy, PolicyRule } from './policy.ts';

export interface PolicyQuestion {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** `ec-p256`, `ec-p384` or `rsa`. */
  readonly keyFamily: string;
}

export type PolicyVerdict =
  | { readonly allowed: true; readonly maxTtlMs: number }
  | {
      readonly allowed: false;
      readonly reason: 'CAP-P01' | 'CAP-P02';
      readonly violations: readonly Violation[];
    };

/** @returns the widest allowance of all rules that match, or every way in which none does. */
export function evaluate(policy: Policy, question: PolicyQuestion): PolicyVerdict {
  const named = policy.rules.filter((rule) => allowsName(rule, question));
  if (named.length === 0) return { allowed: false, reason: 'CAP-P01', violations: nameViolations(policy, question) };
  const matching = named.filter((rule) => rule.keyTypes.includes(question.keyFamily));
  if (matching.length === 0) return { allowed: false, reason: 'CAP-P02', violations: [keyViolation(named, question)] };
  return { allowed: true, maxTtlMs: Math.max(...matching.map((rule) => rule.maxTtlMs)) };
}

function allowsName(rule: PolicyRule, { namespace, serviceAccount }: PolicyQuestion): boolean {
  return matchesAny(rule.namespaces, namespace) && matchesAny(rule.serviceAccounts, serviceAccount);
}

function matchesAny(patterns: readonly NamePattern[], name: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name));
}

/** Names the namespace when no rule knows it, otherwise the service account within it. */
function nameViolations({ rules }: Policy, { namespace, serviceAccount }: PolicyQuestion): readonly Violation[] {
  const here = rules.filter((rule) => matchesAny(rule.namespaces, namespace));
  return here.length === 0
    ? [{ path: 'namespace', actual: namespace, allowed: listed(rules.flatMap((rule) => rule.namespaces)) }]
    : [
        {
          path: 'serviceAccount',
          actual: serviceAccount,
          allowed: listed(here.flatMap((rule) => rule.serviceAccounts)),
        },
      ];
}

function keyViolation(rules: readonly PolicyRule[], { keyFamily }: PolicyQuestion): Violation {
  return { path: 'keyType', actual: keyFamily, allowed: listed(rules.flatMap((rule) => rule.keyTypes)) };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : [...new Set(names)].sort().join(' ');
}
