import {isCodeMethod, isSecretMethod} from '../providers/contract.ts';
import type {Login, LoginOptions} from './contract.ts';
import {runLogin} from './stage.ts';

/**
 * Starts a login by the method that was chosen. What happens is told by its state; nothing is thrown. Only
 * what the method needs is loaded.
 */
export function startLogin(options: LoginOptions): Login {
	const {method} = options;
	return runLogin(options, async stage => {
		if (isCodeMethod(method)) {
			const {codeLogin} = await import('./code-login.ts');
			return codeLogin(options, method.login, stage);
		}
		if (isSecretMethod(method)) {
			const {pastedSecret} = await import('./secret.ts');
			return pastedSecret(options, method, stage);
		}
		if (method.method === 'device_code') {
			const [{codeLogin}, {standardDeviceLogin}] = await Promise.all([
				import('./code-login.ts'),
				import('./device-code.ts'),
			]);
			return codeLogin(options, io => standardDeviceLogin(options.provider, method, io), stage);
		}
		const {authorizationCode} = await import('./authorization-code.ts');
		return authorizationCode(options, method, stage);
	});
}
