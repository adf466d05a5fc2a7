import {lateRefsNoticed} from '../auth/secrets/late-refs.ts';
import {faultWords} from '../auth/secrets/report.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import {asJarvisError} from '../errors.ts';
import {say, type UiContext} from './context.ts';
import {patch} from './state.ts';

export interface SecretsKeeper {
	/** To be called after the files were read: refs that came since the last loading are loaded. */
	look(): void;
	stop(): void;
}

/**
 * Keeps the secrets of the dashboard loaded: once when it opens, again when another process asks for it, and when
 * a ref came that was not there. Says when that fails, and when it works again. A dashboard opens without them
 * too: it is where one looks what is wrong.
 */
export function keepSecrets(
	{store, jarvis}: Pick<UiContext, 'store' | 'jarvis'>,
	reload: () => Promise<void>,
): SecretsKeeper {
	let stopped = false;
	let unfollow = () => {};
	const hasLate = lateRefsNoticed();

	function told(report: SecretsReport): void {
		if (stopped) return;
		if (report.change !== undefined) {
			patch(store, {secretsDegraded: report.state === 'degraded' || undefined});
		}
		if (report.change === 'degraded') {
			say(
				{store, jarvis},
				'bad',
				`Degraded: the secrets that were loaded before stay in use. ${faultWords(report)}.`,
			);
		}
		if (report.change === 'recovered') say({store, jarvis}, 'good', 'All secret refs resolve again.');
		// What was drawn before took refs for good that nobody had looked at.
		if (report.change !== undefined || report.refs.length > 0) void reload().catch(() => {});
	}

	function fault(error: unknown): void {
		if (!stopped) say({store, jarvis}, 'bad', asJarvisError(error).message);
	}

	jarvis.activateSecrets({partial: true}).then(told, fault);
	jarvis.followSecrets(told).then(end => {
		if (stopped) end();
		else unfollow = end;
	}, fault);
	return {
		look() {
			if (hasLate(store.getState().snapshot)) jarvis.reloadSecrets().then(told, fault);
		},
		stop() {
			stopped = true;
			unfollow();
		},
	};
}
