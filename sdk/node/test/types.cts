// Compiled, not run: the same from CommonJS.
import { Config, expressAnalytics } from 'api-analytics-client';
import { koaAnalytics } from 'api-analytics-client/koa';
import express = require('express');
import Koa = require('koa');

express().use(expressAnalytics('key', new Config()));
new Koa().use(koaAnalytics());
