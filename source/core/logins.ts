import type {FoundLogins} from '../auth/import/find.ts';
import type {TakenLogin, TakeRequest} from '../auth/import/take.ts';
import type {Login} from '../auth/login/contract.ts';
import type {MethodName} from '../auth/providers/contract.ts';
import {assertProfileId} from '../store/paths.ts';
import {sealAgain} from './secrets.ts';
import type {World} from './world.ts';

export interface LoginRequest {
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId?: string | undefined;
	/** The way to log in, by its name; the provider's first one if absent. */
	readonly method?: string | undefined;
	/** When a pasted secret runs out (epoch ms), if the person says so. */
	readonly expires?: number | undefined;
	/** Do not open a browser, whether or not there is one. */
	readonly noBrowser?: boolean;
	/** The IP address to listen on for the browser, in place of the redirect URI's own. */
	readonly callbackBind?: string | undefined;
	/** The person's browser is elsewhere, and the callback's port may be brought to it. */
	readonly offersShortUrl?: boolean;
}

/** How credentials come in. */
export function loginsOf(world: World) {
	const {options, paths, now, network, record, providers, provider, importContext, keepInStep} = world;
	return {
		/**
		 * Starts a login. Throws `provider_unknown`, `login_unsupported`, `profile_invalid_id`, `store_damaged`; all later is
		 * in its state.
		 */
		async startLogin(request: LoginRequest): Promise<Login> {
			const [{startLogin}, {findMethod, findProvider}, listing] = await Promise.all([
				import('../auth/login/login.ts'),
				import('../auth/providers/registry.ts'),
				providers(),
			]);
			const {providerId, agentId, profileId, noBrowser, expires, callbackBind} = request;
			await world.assertNotLeftOut(listing, providerId);
			const provider = findProvider(listing.providers, providerId);
			// A login whose tokens could not be stored would spend its code for nothing.
			const {readCredentials} = await import('../store/profiles.ts');
			await readCredentials(paths, agentId);
			const login = startLogin({
				...{paths, agentId, network, now, record},
				...{provider, method: findMethod(provider, request.method)},
				...(expires === undefined ? {} : {expires}),
				providers: listing.providers,
				...(callbackBind === undefined ? {} : {callbackBind}),
				...(request.offersShortUrl ? {offersShortUrl: true} : {}),
				...(profileId === undefined ? {} : {profileId: assertProfileId(profileId)}),
				...(options.openBrowser && !noBrowser ? {openBrowser: options.openBrowser} : {}),
			});
			const finished = login.finished.then(async outcome => {
				if (outcome.step === 'done') {
					await sealAgain(world, outcome.result);
					await keepInStep();
				}
				if (outcome.step === 'failed') {
					record('login_failed', {agentId, profileId, provider: provider.id, note: outcome.error.code});
				}
				return outcome;
			});
			return {...login, finished};
		},

		/**
		 * The way to log in that fits the machine best: without a browser one that needs none here. Throws
		 * `provider_unknown`.
		 */
		async bestMethod(providerId: string, around: {readonly browser: boolean}): Promise<MethodName> {
			const {methodsFor} = await import('../auth/providers/registry.ts');
			return methodsFor(await provider(providerId), around)[0].method;
		},

		/** Ends a login that waits in another process. Throws as `finishLogin` does. */
		async finishLogin(pasted: string) {
			const {finishLogin} = await import('../auth/login/finish.ts');
			const place = {paths, network, now, record, providers: (await providers()).providers};
			const finished = await finishLogin(place, pasted);
			await sealAgain(world, finished);
			await keepInStep();
			return finished;
		},

		/**
		 * The logins of other programs on this machine, without secrets, and how each stands to what an agent has.
		 * Throws what reading the agent's file throws.
		 */
		async foundLogins(agentId: string): Promise<FoundLogins> {
			const {findLogins} = await import('../auth/import/find.ts');
			return findLogins(await importContext(), agentId);
		},

		/** Takes a login of another program over. Throws as `takeLogin` does. */
		async importLogin(request: TakeRequest): Promise<TakenLogin> {
			const {takeLogin} = await import('../auth/import/take.ts');
			const taken = await takeLogin(await importContext(), request);
			const {agentId, profileId, provider, how, file} = taken;
			record('imported', {
				...{agentId, profileId, provider},
				note: how === 'adopt' ? `adopted from ${file}` : `linked to ${file}`,
			});
			return taken;
		},
	};
}
