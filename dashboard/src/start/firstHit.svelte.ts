// Waits for a project's first hit: looks every second and a half while the page is seen.

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
        // The next look will tell; what is amiss for long is said where something is asked for.
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
