// The pages of the console, in the order in which they stand above each of them.
import type { ComponentType } from 'preact';
import type { Address } from '../route.ts';
import { IssuersPage } from './issuers.tsx';
import { OverviewPage } from './overview.tsx';
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
  { path: '/issuers', title: 'Issuers', view: IssuersPage },
  { path: '/rotation', title: 'Trust anchors', view: RotationPage },
];

export function pageOf(path: string): Page | undefined {
  return PAGES.find((page) => page.path === path);
}
