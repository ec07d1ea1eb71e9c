// The pages of the console, in the order in which they stand above each of them.
import type { ComponentType } from 'preact';
import type { SessionAnswer } from '../ask.ts';
import type { Address } from '../route.ts';
import { AuditPage } from './audit.tsx';
import { CoveragePage } from './coverage.tsx';
import { IdentitiesPage } from './identities.tsx';
import { IdentityPage } from './identity.tsx';
import { IssuersPage } from './issuers.tsx';
import { OverviewPage } from './overview.tsx';
import { PoliciesPage } from './policies.tsx';
import { RefusalsPage } from './refusals.tsx';
import { RoguesPage } from './rogues.tsx';
import { RotationPage } from './rotation.tsx';

export interface PageProps {
  readonly address: Address;
}

export interface Page {
  readonly path: string;
  readonly title: string;
  readonly view: ComponentType<PageProps>;
  /** Whether it can show what is of some namespaces alone. */
  readonly ofTeams?: boolean;
  /** Whether it is not for those who may only look. */
  readonly ofOperators?: boolean;
  /** Of a page that is reached from another one alone, the path of that. */
  readonly under?: string;
}

const PAGES: readonly Page[] = [
  { path: '/', title: 'Overview', view: OverviewPage },
  { path: '/identities', title: 'Identities', view: IdentitiesPage, ofTeams: true },
  { path: '/identity', title: 'Identity', view: IdentityPage, ofTeams: true, under: '/identities' },
  { path: '/coverage', title: 'Coverage', view: CoveragePage, ofTeams: true },
  { path: '/refusals', title: 'Refusals', view: RefusalsPage, ofTeams: true },
  { path: '/policies', title: 'Policies', view: PoliciesPage },
  { path: '/issuers', title: 'Issuers', view: IssuersPage },
  { path: '/rotation', title: 'Trust anchors', view: RotationPage },
  { path: '/rogue', title: 'Rogue CAs', view: RoguesPage, ofOperators: true },
  { path: '/audit', title: 'Audit', view: AuditPage },
];

/** A team has the pages that show what is of its namespaces; a viewer those that a role to act is not asked for. */
export function pagesFor({ namespaces, role }: SessionAnswer): readonly Page[] {
  if (namespaces !== undefined) return PAGES.filter(({ ofTeams }) => ofTeams === true);
  return role === 'viewer' ? PAGES.filter(({ ofOperators }) => ofOperators !== true) : PAGES;
}

/** The first of the pages is at `/` too. @returns nothing where there is none. */
export function pageAt(path: string, pages: readonly Page[]): Page | undefined {
  return path === '/' ? pages[0] : pages.find((page) => page.path === path);
}
