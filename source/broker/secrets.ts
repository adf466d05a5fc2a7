import {lateRefs} from '../auth/secrets/late-refs.ts';
import {faultWords} from '../auth/secrets/report.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import type {Jarvis} from '../core.ts';
import {JarvisError} from '../errors.ts';

export interface BrokerSecrets {
	/** To be called when a file of the state has changed: refs that came since the last loading are loaded. */
	look(): void;
	/** The last loading failed: what was loaded before stays in use. */
	isDegraded(): boolean;
	stop(): void;
}

/**
 * Loads the secrets that are kept elsewhere before the first request, and again when another process asks for it or
 * a ref came that was not there.
 * @param onLoaded called when others than before may be in use
 * @throws `secrets_unresolved`
 */
export async function keepSecretsLoaded(jarvis: Jarvis, onLoaded: () => void): Promise<BrokerSecrets> {
	let isDegraded = false;
	let known = '';
	const told = (report: SecretsReport) => {
		isDegraded = report.state === 'degraded';
		if (report.change === 'degraded') {
			jarvis.tell(`Degraded: the secrets that were loaded before stay in use. ${faultWords(report)}.`);
		}
		if (report.change === 'recovered') jarvis.tell('Recovered: all secret refs resolve again.');
		onLoaded();
	};
	await jarvis.activateSecrets().catch(error => {
		throw refusedStart(error);
	});
	const stop = await jarvis.followSecrets(told);
	async function lookForLate(): Promise<void> {
		const late = lateRefs(await jarvis.snapshot());
		if (late === known) return;
		known = late;
		if (late !== '') told(await jarvis.reloadSecrets());
	}

	return {
		// Those who ask are told what is wrong with a file.
		look: () => void lookForLate().catch(() => {}),
		isDegraded: () => isDegraded,
		stop,
	};
}

// A reload is heard by programs that run: it does not start one.
function refusedStart(error: unknown): unknown {
	if (!(error instanceof JarvisError) || error.code !== 'secrets_unresolved') return error;
	const {code, message, details} = error;
	return new JarvisError(
		code,
		message,
		'Mend that, or leave the profile out of its order, and start the broker again. What is in the way: jarvis secrets audit',
		{details},
	);
}
