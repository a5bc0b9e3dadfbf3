// Waits for a project's first hit: polls every second and a half while the page is visible.

import { api } from '../api/client';
import type { Scope } from '../api/request';

export function waitForFirstHit(scope: Scope, onhit: () => void): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout>;
  async function look() {
    if (stopped) return;
    if (!document.hidden) {
      try {
        const project = await api.project(scope);
        if (project.last_hits_at !== null && !stopped) {
          onhit();
          return;
        }
      } catch {
        // The next poll will tell; a lasting problem is shown elsewhere.
      }
    }
    timer = setTimeout(look, 1500);
  }
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
