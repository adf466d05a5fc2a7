import {afterEach, vi} from 'vitest';

// Test files share a process: what one of them changes of it is not to reach the next.
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllEnvs();
	vi.restoreAllMocks();
});
