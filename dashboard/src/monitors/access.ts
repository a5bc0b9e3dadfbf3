// Who may change what is watched. The dashboard id may, as it could with the original; the server alone decides.

import type { Access } from '../api/types';

export const managesMonitors = (access: Access) => access === 'owner' || access === 'dashboard';
