// Severity: what stands first among open alerts.

import type { Alert } from './shapes';

/** The worst figures, then data nobody can judge by, then the rest. */
export const RANK: Record<Alert['severity'], number> = { critical: 2, quality: 1, lagging: 0 };
