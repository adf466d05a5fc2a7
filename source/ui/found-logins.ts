import type {UiContext} from './context.ts';
import {shownAgent} from './rows.ts';
import {patch, type UiState} from './state.ts';

/**
 * Keeps the logins of other programs as they are while somebody looks at them, or has nothing else yet: they
 * are looked for when their screen opens, and judged anew when the agent or a file of JARVIS changes.
 * @returns a function that ends it
 */
export function watchLogins({store, jarvis}: Pick<UiContext, 'store' | 'jarvis'>): () => void {
	let last: readonly unknown[] = [];
	let looks = 0;

	async function look(agentId: string): Promise<void> {
		looks += 1;
		const own = looks;
		// What cannot be read of the agent's own file is told where its profiles are.
		const found = await jarvis.foundLogins(agentId).catch(() => ({logins: [], problems: []}));
		if (own !== looks) return;
		const now = {...found, agentId};
		// What is as before is not drawn again.
		if (JSON.stringify(now) !== JSON.stringify(store.getState().found)) patch(store, {found: now});
	}

	function notice(state: UiState): void {
		const agentId = shownAgent(state)?.id;
		if (agentId === undefined || !isWanted(state)) {
			last = [];
			return;
		}
		const basis = [state.snapshot, agentId];
		if (basis.every((part, index) => part === last[index])) return;
		last = basis;
		void look(agentId);
	}

	notice(store.getState());
	const unsubscribe = store.subscribe(notice);
	return () => {
		looks += 1;
		unsubscribe();
	};
}

function isWanted({screen, snapshot}: UiState): boolean {
	if (screen === 'import') return true;
	const isEmpty = snapshot.agents.every(({profiles}) => profiles.length === 0);
	return isEmpty && (screen === 'onboard' || screen === 'agents');
}
