// Label selectors as kubectl writes them: `team=shop,env in (test,live),!legacy` (Kubernetes, Labels and selectors). Every
// requirement must hold; no requirement selects everything.

interface Requirement {
  readonly key: string;
  /** `exists` and `absent` have no values. */
  readonly operator: 'in' | 'not in' | 'exists' | 'absent';
  readonly values: readonly string[];
}

/** Plain data: a configuration goes from process to process. */
export interface LabelSelector {
  /** As it was written. */
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

/** @returns the selector, or why the text is none. */
export function parseLabelSelector(text: string): LabelSelector | { readonly problem: string } {
  const requirements: Requirement[] = [];
  for (const part of partsOf(text)) {
    const requirement = requirementOf(part);
    if (requirement === undefined) return { problem: `${JSON.stringify(part)} is no requirement of a label selector` };
    requirements.push(requirement);
  }
  return { text, requirements };
}

export function selectsLabels({ requirements }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return requirements.every((requirement) => holds(requirement, labels[requirement.key]));
}

/** As `k8s.io/apimachinery/pkg/labels` judges: what a label that is absent is not among is true of it. */
function holds({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'not in':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
  }
}

/** Between commas that stand in no parentheses. */
function partsOf(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

const KEY = String.raw`((?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)`;
const VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const SHAPES = [
  { shape: new RegExp(`^${KEY}$`), operator: 'exists' },
  { shape: new RegExp(String.raw`^!\s*${KEY}$`), operator: 'absent' },
  { shape: new RegExp(String.raw`^${KEY}\s*==?\s*([^=\s]*)$`), operator: 'in' },
  { shape: new RegExp(String.raw`^${KEY}\s*!=\s*([^=\s]*)$`), operator: 'not in' },
  { shape: new RegExp(String.raw`^${KEY}\s+in\s*\(([^()]*)\)$`), operator: 'in' },
  { shape: new RegExp(String.raw`^${KEY}\s+notin\s*\(([^()]*)\)$`), operator: 'not in' },
] as const;

function requirementOf(part: string): Requirement | undefined {
  for (const { shape, operator } of SHAPES) {
    const match = shape.exec(part);
    if (match === null) continue;
    const [, key = '', written] = match;
    const values = written?.split(',').map((value) => value.trim()) ?? [];
    return values.every((value) => VALUE.test(value)) ? { key, operator, values } : undefined;
  }
  return undefined;
}
