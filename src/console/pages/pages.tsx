// The pages of the console, in the order in which they stand above each of them.
import type { ComponentType } from 'preact';
import type { Address } from '../route.ts';
import { AuditPage } from './audit.tsx';
import { IssuersPage } from './issuers.tsx';
import { OverviewPage } from './overview.tsx';
import { PoliciesPage } from './policies.tsx';
import { RefusalsPage } from './refusals.tsx';
import { RotationPage } from './rotation.tsx';

export interface PageProps {
  readonly address: Address;
}

interface Page {
  readonly path: string;
  readonly title: string;
  readonly view: ComponentType<PageProps>;
}

export const PAGES: readonly Page[] = [
  { path: '/', title: 'Overview', view: OverviewPage },
  { path: '/refusals', title: 'Refusals', view: RefusalsPage },
  { path: '/policies', title: 'Policies', view: PoliciesPage },
  { path: '/issuers', title: 'Issuers', view: IssuersPage },
  { path: '/rotation', title: 'Trust anchors', view: RotationPage },
  { path: '/audit', title: 'Audit', view: AuditPage },
];

export function pageOf(path: string): Page | undefined {
  return PAGES.find((page) => page.path === path);
}
