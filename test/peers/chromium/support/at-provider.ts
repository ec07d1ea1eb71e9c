// What people do at the OpenID provider of the tests.
import type { Page } from 'playwright-core';

/** From the console's page of how to sign in, until the provider leads back. */
export async function signInAs(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with your organisation' }).click();
  await sayWhoYouAre(page, name);
}

/** At the provider, for the first time there. */
export async function sayWhoYouAre(page: Page, name: string): Promise<void> {
  await sayName(page, name);
  await page.getByRole('button', { name: 'Continue' }).click();
}

/** At the provider, which leads back at once who was there before. */
export async function sayName(page: Page, name: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(name);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
}
