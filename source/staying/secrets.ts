import {lateRefsNoticed} from '../auth/secrets/late-refs.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import type {Snapshot} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';

export interface LoadedSecrets {
	/**
	 * To be called when a file of the state has changed: refs that came since the last loading are loaded.
	 * @param snapshot what was read of it, if that was done already
	 */
	look(snapshot?: Snapshot): void;
	/** The last loading failed: what was loaded before stays in use. */
	isDegraded(): boolean;
	stop(): void;
}

/**
 * Loads the secrets that are kept elsewhere before anything is done with them, and again when another process asks
 * for it or a ref came that was not there.
 * @param onLoaded called when others than before may be in use
 * @param start with `partial`, what does not resolve at the start is no error
 * @throws `secrets_unresolved`
 */
export async function keepSecretsLoaded(
	jarvis: Pick<Jarvis, 'activateSecrets' | 'followSecrets' | 'reloadSecrets' | 'snapshot'>,
	onLoaded: (report: SecretsReport) => void,
	start: {readonly partial: boolean} = {partial: false},
): Promise<LoadedSecrets> {
	let isDegraded = false;
	const hasLate = lateRefsNoticed();
	const told = (report: SecretsReport) => {
		isDegraded = report.state === 'degraded';
		onLoaded(report);
	};
	await jarvis.activateSecrets(start);
	const stop = await jarvis.followSecrets(told);
	async function lookForLate(snapshot: Snapshot | undefined): Promise<void> {
		if (hasLate(snapshot ?? (await jarvis.snapshot()))) told(await jarvis.reloadSecrets());
	}

	return {
		// Those who ask are told what is wrong with a file.
		look: snapshot => void lookForLate(snapshot).catch(() => {}),
		isDegraded: () => isDegraded,
		stop,
	};
}
