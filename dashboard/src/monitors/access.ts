// Who may change monitoring. A dashboard id may, as in the original; the server enforces it.

import type { Access } from '../api/types';

export const managesMonitors = (access: Access) => access === 'owner' || access === 'dashboard';
