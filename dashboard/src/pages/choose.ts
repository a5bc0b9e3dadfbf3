// A page of a project whose address names none: the session's only project, or the list to choose from.

import { api } from '../api/client';
import { toHref } from '../router/address';
import { go, router } from '../router/router.svelte';

export async function chooseProject(toAddress: (project: number, parameters: Record<string, string>) => string) {
  const parameters = Object.fromEntries(router.at.parameters);
  let where = toHref('/signin');
  try {
    const { projects } = await api.projects();
    const [only, ...others] = projects;
    if (only) where = others.length ? toHref('/projects') : toAddress(only.project_id, parameters);
  } catch {
    // The sign-in page shows the server's problem.
  }
  go(where, { replace: true });
}
