// Made by `npm run gen-types` from contract/openapi.json: change the handlers, not this file.

export interface paths {
    "/api/data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Hits in order of arrival. */
        get: operations["show_data"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/delete/{api_key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Delete everything of a key's project. Off unless the setting `get_delete` is on. */
        get: operations["delete_by_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/generate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Create a project; answers with its key. */
        get: operations["generate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/generate-api-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same under another of the original's addresses. */
        get: operations["generate_api_key"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server is well. */
        get: operations["show_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/heartbeat/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job has succeeded. */
        get: operations["succeed_by_get"];
        put?: never;
        /** The same; a body is not looked at. */
        post: operations["succeed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/heartbeat/{token}/{signal}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job starts, has succeeded or has failed. */
        get: operations["signal_by_get"];
        put?: never;
        /** The same; a body is not looked at. */
        post: operations["signal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/log-request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The same under the address of the original's first clients. */
        post: operations["post_log_request"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/monitor/add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add a monitor of an address, checked every minute. The body has the dashboard id as `user_id` besides. */
        post: operations["add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/monitor/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Delete a monitor by its address. The body has the dashboard id as `user_id` besides. */
        post: operations["delete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/monitor/pings/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The checks of the last 48 hours in order of time, at most 1,000 per monitor. */
        get: operations["show_pings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/regenerate-user-id": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new dashboard id; the old one stops working at once. */
        post: operations["regenerate_user_id"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Post a batch of hits. */
        post: operations["post_requests"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/requests/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of raw rows. */
        get: operations["show_requests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/requests/{user_id}/{page}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same with the page in the address. */
        get: operations["show_requests_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/user-id/{api_key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The dashboard id of a key. */
        get: operations["show_user_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Changes against the period before. */
        get: operations["show_changes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's channels. */
        get: operations["list_channels"];
        put?: never;
        /** Make a channel. From here on it is sent every notice of the project. */
        post: operations["create_channel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A channel. */
        get: operations["show_channel"];
        put?: never;
        post?: never;
        /** Delete a channel with its deliveries. */
        delete: operations["remove_channel"];
        options?: never;
        head?: never;
        /** Change a channel. One that the far side has ended works again once it is enabled. */
        patch: operations["change_channel"];
        trace?: never;
    };
    "/api/v1/channels/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The channel's notices, newest first, each with every try to deliver it. Kept for 90 days. */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/channels/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test notice now, and say what the far side answered. It is not tried again. */
        post: operations["test_channel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consumers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that is kept about one consumer: every hit, newest first, sent while it is read. */
        get: operations["show_consumer"];
        put?: never;
        post?: never;
        /** Erase every hit of one consumer: whole hits, since paths hold ids too. */
        delete: operations["erase_consumer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dashboard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The panels of a project. */
        get: operations["show_dashboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deploys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The deploys of a period; all of them by default. */
        get: operations["list_deploys"];
        put?: never;
        /**
         * Say that a version was deployed. Any key of the project may, also one that can only post requests. The same version at the
         *     same time is one deploy, however often it is posted.
         */
        post: operations["create_deploy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deploys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a deploy. */
        delete: operations["remove_deploy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/deploys/{id}/effect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How requests went before and after a deploy: equally long on both sides, until the next deploy or now, a day at most. */
        get: operations["show_effect"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The fields of a filter. */
        get: operations["list_fields"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/fields/{field}/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The values of a field, with their hits. */
        get: operations["list_values"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Raw hits, newest first; or slowest first. */
        get: operations["list_hits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hits/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One hit by its id, whenever it came. */
        get: operations["show_hit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's incidents, newest first. They are kept for 13 months. */
        get: operations["list_incidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/incidents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One incident, how it came to be so, and its updates. */
        get: operations["show_incident"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Acknowledge an incident, write a note, publish it on the status page, or add an update there. */
        patch: operations["change_incident"];
        trace?: never;
    };
    "/api/v1/ingest-health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Accepted, rejected and refused hits, for the project's owner. */
        get: operations["show_ingest_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The keys that work. */
        get: operations["list_keys"];
        put?: never;
        /** Make another key. */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a key. It stops working at once, as do sessions that were signed in with it. */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/lists/{panel}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All rows of a panel. */
        get: operations["show_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/maintenance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's maintenance windows. */
        get: operations["list_maintenance"];
        put?: never;
        /** Plan maintenance. */
        post: operations["create_maintenance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/maintenance/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A maintenance window. */
        get: operations["show_maintenance"];
        put?: never;
        post?: never;
        /** Delete a maintenance window. One that takes place now ends; time that has passed stays counted as it was. */
        delete: operations["remove_maintenance"];
        options?: never;
        head?: never;
        /**
         * Change a maintenance window. Fields that are not there stay, null is the default again. Time that has passed stays counted
         *     as it was.
         */
        patch: operations["change_maintenance"];
        trace?: never;
    };
    "/api/v1/maintenance/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** When a maintenance window would take place. Nothing is kept. */
        post: operations["preview_maintenance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/monitors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's monitors. */
        get: operations["list_monitors"];
        put?: never;
        /** Make a monitor. Its first check is made within the interval. */
        post: operations["create_monitor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/monitors/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A monitor, where it stands, and its uptime. */
        get: operations["show_monitor"];
        put?: never;
        post?: never;
        /** Delete a monitor with everything that its checks found. */
        delete: operations["remove_monitor"];
        options?: never;
        head?: never;
        /** Change a monitor. Fields that are not there stay, null is the default again. */
        patch: operations["change_monitor"];
        trace?: never;
    };
    "/api/v1/monitors/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check now, and say what came back. The result is shown and not kept: slots are what uptime is made of. */
        post: operations["check_now"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/monitors/{id}/checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a monitor's checks, newest first. Single results are kept for 48 hours. */
        get: operations["list_checks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/monitors/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How a monitor did over time: response times by phase, and milliseconds per state. Kept for 13 months. */
        get: operations["show_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document. */
        get: operations["show_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/project": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's settings. */
        get: operations["show_project"];
        put?: never;
        post?: never;
        /** Delete the project with its keys and hits; answers once every copy on disk is gone. */
        delete: operations["remove_project"];
        options?: never;
        head?: never;
        /** Change settings. A raised privacy level answers once what it does not allow is erased from every file. */
        patch: operations["change_project"];
        trace?: never;
    };
    "/api/v1/project/dashboard-id": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new dashboard id; the old one and its sessions stop working at once. */
        post: operations["regenerate_dashboard_id"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The projects of the session, or of the key; none without either. */
        get: operations["list_projects"];
        put?: never;
        /** Create a project. From the page it joins the session. */
        post: operations["create_project"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/routes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The templates of paths without a route. */
        get: operations["list_routes"];
        /** Add, rename or refuse a template. It applies to all requests, also to earlier ones; what was counted under a template for a while stays there when it is refused. */
        put: operations["decide_route"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's rules, and the ready-made ones with their numbers. */
        get: operations["list_rules"];
        put?: never;
        /** Make a rule: a ready-made one by its name, or one of the project's own. It is judged within two minutes. */
        post: operations["create_rule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A rule and its alerts. */
        get: operations["show_rule"];
        put?: never;
        post?: never;
        /** Delete a rule with its incidents. */
        delete: operations["remove_rule"];
        options?: never;
        head?: never;
        /** Change a rule. Fields that are not there stay, null is the default again. Its alerts end without a notice. */
        patch: operations["change_rule"];
        trace?: never;
    };
    "/api/v1/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Facts about this server. */
        get: operations["show_server"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in to a project, with its key or its dashboard id; one session may hold several. */
        post: operations["open_session"];
        /** Sign out: of all projects, or of one. */
        delete: operations["close_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/share-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's share links. */
        get: operations["list_share_links"];
        put?: never;
        /** Make a share link. */
        post: operations["create_share_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/share-links/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a share link. It stops working at once. */
        delete: operations["revoke_share_link"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status-page": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's status page. As long as there is none, its defaults. */
        get: operations["show_status_page"];
        put?: never;
        post?: never;
        /** Delete the project's status page and its subscribers. What was published of incidents stays with them. */
        delete: operations["remove_status_page"];
        options?: never;
        head?: never;
        /** Make, change, show or hide the project's status page. */
        patch: operations["change_status_page"];
        trace?: never;
    };
    "/api/v1/status-page/subscribers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The confirmed subscribers of the project's status page. */
        get: operations["list_subscribers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status-page/subscribers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a subscription. The address is deleted. */
        delete: operations["remove_subscriber"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Hits as they are kept, in order of arrival: server-sent events, of which each has a hit as JSON and its `hit_id` as its id.
         * @description If several servers store hits, all of them are sent, and the id has more numbers, for each server one: name it as it is.
         *
         *     An event `missed` has `{"requests": n}`: so many hits that match were left out, because they came faster than they can be
         *     sent or read; null if they were not counted. A client that connects again with `Last-Event-ID` (browsers do it by themselves) is
         *     sent what it has missed, each hit once. With `hits=none` there are events `kept` in place of hits, about one a second at most.
         */
        get: operations["follow_hits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/views": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The project's saved views. */
        get: operations["list_views"];
        put?: never;
        /** Save a view. Its query is checked as the page's own calls are, and normalized. */
        post: operations["create_view"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/views/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a view. */
        delete: operations["remove_view"];
        options?: never;
        head?: never;
        /** Rename a view, or change its page and query. Missing fields are kept. */
        patch: operations["change_view"];
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The server's counters, in Prometheus' text format. */
        get: operations["show_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sdk/{language}/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The files of a language's client, as pip reads a list of them. */
        get: operations["list_packages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sdk/{language}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One file. */
        get: operations["send_package"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status/{slug}/json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The content of a public status page. Pages of any site may read it. */
        get: operations["show_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AddMonitor: {
            /** @description True: HEAD, false: GET. */
            ping?: boolean;
            /** @description True: https. */
            secure?: boolean;
            /** @description With or without http:// or https://. */
            url: string;
        };
        /**
         * @description Which addresses of a name are called.
         * @enum {string}
         */
        AddressFamily: "any" | "ipv4" | "ipv6";
        /** @description A hit. Unknown fields are null. */
        ApiHit: {
            /** @description The caller's address, where the project keeps it. */
            address?: string | null;
            /**
             * @description Whether a cache had the answer.
             * @enum {string|null}
             */
            cache?: "hit" | "miss" | null;
            /** @description The client's name, read from the user agent. */
            client?: string | null;
            /** @description The caller's country, two letters, looked up by the address. */
            country?: string | null;
            /** @description The kind of device, read from the user agent. */
            device?: string | null;
            /**
             * Format: double
             * @description How long the answer took, in milliseconds.
             */
            duration_ms?: number | null;
            /** @description The framework that the client named. */
            framework?: string | null;
            /** @description The server's name for it; a number too large for JavaScript, so it is a string. */
            hit_id: string;
            /** @description The host that was asked, without a port. */
            host?: string | null;
            /** @description The request's method, in any case. */
            method: string;
            /** @description The operating system, read from the user agent. */
            os?: string | null;
            /** @description The path that was asked for, without its query string. */
            path: string;
            /** @description The page that the caller came from. */
            referrer?: string | null;
            /** @description The id under which the API's own log has the request; that log alone can tell whose it was. */
            request_id?: string | null;
            /**
             * Format: int64
             * @description The size of the request's body in bytes.
             */
            request_size?: number | null;
            /**
             * Format: int64
             * @description The size of the answer's body in bytes.
             */
            response_size?: number | null;
            /** @description The path's template, derived from the path if a client sends none. */
            route?: string | null;
            /**
             * Format: int32
             * @description The answer's status, 100 to 599.
             */
            status: number;
            /** @description When the request came, RFC 3339. A client may post naive local time, or none for when its batch arrives. */
            time: string;
            /** @description The whole user agent. */
            user_agent?: string | null;
            /** @description The user id that the API gave. */
            user_id?: string | null;
            /** @description The API's version, read from the path. */
            version?: string | null;
        };
        /** @description A batch of hits, as any client of the original or of ours posts it. */
        Batch: {
            /** @description The project's key, where it is not in a header. */
            api_key?: string | null;
            /** @description The same over all tries to send this batch: it is kept once. */
            batch_id?: string | null;
            /**
             * Format: int64
             * @description Hits that the client had to drop since its last batch.
             */
            dropped?: number | null;
            /** @example FastAPI */
            framework?: string | null;
            /**
             * Format: int32
             * @description 0 keeps addresses, 1 takes the country from them and drops them, 2 never looks at them.
             */
            privacy_level?: number | null;
            /**
             * @description The version of the app that these requests came from, at most 100 characters. The first batch with a new release adds a
             *     deploy.
             * @example v2.4.1
             */
            release?: string | null;
            requests: components["schemas"]["BatchHit"][];
            /**
             * @description Name and version of the client.
             * @example python/1.0.0
             */
            sdk?: string | null;
            /** @description RFC 3339; set again at each attempt. */
            sent_at?: string | null;
        };
        /** @description By the time it is read, the accepted hits are on disk. */
        BatchAnswer: {
            /** Format: int32 */
            accepted: number;
            message: string;
            /** @description The first 1,000. */
            rejected: components["schemas"]["RejectedHit"][];
            /** Format: int32 */
            rejected_total: number;
            /**
             * Format: int32
             * @description Hits that this client posted before and that are not counted twice.
             */
            repeated: number;
            /**
             * Format: int32
             * @example 200
             */
            status: number;
        };
        BatchHit: {
            /**
             * @description Whether a cache had the answer.
             * @enum {string|null}
             */
            cache?: "hit" | "miss" | null;
            /** @description When the request came, RFC 3339. A client may post naive local time, or none for when its batch arrives. */
            created_at?: string | null;
            /** @description The host that was asked, without a port. */
            hostname?: string | null;
            /** @description The caller's address, where the project keeps it. */
            ip_address?: string | null;
            /**
             * @description The request's method, in any case.
             * @example GET
             */
            method: string;
            /**
             * @description The path that was asked for, without its query string.
             * @example /users/42
             */
            path: string;
            /** @description The page that the caller came from. */
            referrer?: string | null;
            /** @description The id under which the API's own log has the request; that log alone can tell whose it was. */
            request_id?: string | null;
            /**
             * Format: int64
             * @description The size of the request's body in bytes.
             */
            request_size?: number | null;
            /**
             * Format: int64
             * @description The size of the answer's body in bytes.
             */
            response_size?: number | null;
            /**
             * Format: double
             * @description How long the answer took, in milliseconds.
             */
            response_time?: number | null;
            /**
             * @description The path's template, derived from the path if a client sends none.
             * @example /users/{id}
             */
            route?: string | null;
            /**
             * Format: int32
             * @description The answer's status, 100 to 599.
             * @example 200
             */
            status: number;
            /** @description The whole user agent. */
            user_agent?: string | null;
            /** @description The user id that the API gave. */
            user_id?: string | null;
        };
        BreakdownAnswer: {
            /** @description Whether `total_rows` is an estimate, with a relative standard error of 1.2 %. */
            about?: boolean;
            /**
             * Format: int64
             * @description A row with at most this many requests may be missing from `rows`.
             */
            missing_up_to?: number | null;
            rows: components["schemas"]["BreakdownRow"][];
            /** Format: int64 */
            total_rows: number;
        };
        BreakdownRow: {
            /** Format: int64 */
            errors: number;
            /** @description "": none, or not known. */
            key: string;
            /** Format: int64 */
            requests: number;
        };
        /** @description A row of what changed. */
        Change: components["schemas"]["EndpointChange"] | components["schemas"]["ConsumerChange"];
        Changes: {
            /**
             * Format: int64
             * @description The rows are of the busiest endpoints or consumers: of those with at most this many requests nothing is said.
             */
            missing_up_to?: number | null;
            previous?: components["schemas"]["Previous"] | null;
            /**
             * @description Endpoints that fail more, slower ones, consumers that went quiet, new ones: at most five, and none where there is
             *     nothing to say.
             */
            rows: components["schemas"]["Change"][];
        };
        /** @description Where notices go. */
        ChannelAnswer: {
            /** @description `kind` and its fields; those that are secret are null. */
            config: Record<string, never>;
            created_at: string;
            /** @description Whether notices are sent to it. */
            enabled: boolean;
            /** @description Since when it delivers nothing, once that is an hour. */
            failing_since?: string | null;
            /** Format: int64 */
            id: number;
            /** @example webhook */
            kind: string;
            name: string;
            /** @description Why the server switched it off: the far side said that it is gone. */
            problem?: string | null;
            quiet_hours?: components["schemas"]["QuietHours"] | null;
            /** @description Notices that are not delivered yet. */
            waiting: number;
        };
        /** @description A channel's settings as its owner sends them. */
        ChannelBody: {
            /**
             * @description `kind` (webhook, email, slack, discord, telegram, ntfy, pagerduty, teams, gotify, pushover or matrix) and the fields of that
             *     kind. In a change, fields that are missing stay. A webhook without `secret` gets one.
             */
            config?: Record<string, never> | null;
            /**
             * @description Whether notices are sent to it. Default: true.
             * @default null
             */
            enabled: boolean | null;
            /**
             * @description At most 100 characters. Default: the kind's name.
             * @default null
             */
            name: string | null;
            /** @default null */
            quiet_hours: components["schemas"]["QuietHours"] | null;
        };
        /** @description A notice for a channel. */
        ChannelDelivery: {
            created_at: string;
            ended_at?: string | null;
            /** Format: int64 */
            id: number;
            /** @description When it is tried again, while it waits. */
            next_try_at?: string | null;
            /**
             * @description The same over all tries: the far side sees it, where the channel has a place for it.
             * @example monitor-12-3-1
             */
            notice: string;
            /**
             * @description `opening`, `update` or `resolved`.
             * @example opening
             */
            stage: string;
            /**
             * @description `waiting`, `delivered`, `failed` (the far side refused it) or `given_up` (it was tried for 24 hours).
             * @example delivered
             */
            state: string;
            /** @description The monitor's name. */
            subject: string;
            /** @description In order. */
            tries: components["schemas"]["DeliveryTry"][];
        };
        ChannelList: {
            channels: components["schemas"]["ChannelAnswer"][];
        };
        /** @description The answer to a test notice. */
        ChannelTest: {
            /** @description The beginning of the answer, at most 200 characters. */
            answer?: string | null;
            delivered: boolean;
            /** @description Why it was not delivered. */
            reason?: string | null;
            /**
             * Format: int32
             * @description Null if no answer came.
             */
            status?: number | null;
            /** Format: int64 */
            took_ms: number;
        };
        /** @description The result of a check made on request. */
        CheckedNow: {
            certificate?: components["schemas"]["ShownCertificate"] | null;
            /** @example tls_expired */
            failure?: string | null;
            message?: string | null;
            /** @example up */
            outcome: string;
            /** Format: int32 */
            redirects: number;
            /** Format: int32 */
            status?: number | null;
            times: components["schemas"]["PhaseTimes"];
        };
        CheckList: {
            /** @description Newest first. */
            checks: components["schemas"]["MonitorCheck"][];
            /** @description `before` of the next page; null if there is none. */
            next?: string | null;
        };
        /**
         * @description Whose client library a source has, by its `sdk` and `framework`.
         * @enum {string}
         */
        ClientKind: "own" | "original" | "unknown";
        /** @description A client library that this server hands out. */
        ClientPackage: {
            /** @example python */
            language: string;
            /**
             * @description As the language's tool is told to install it. Python, Node: the name of a file at `/sdk/{language}/` below
             *     `base_url`; others: a name with a version.
             * @example api_analytics_client-0.1.0-py3-none-any.whl
             */
            package: string;
        };
        /** @description A client library that this server has a better one for. */
        ClientUpgrade: {
            /** @description Where it is in use. */
            frameworks: string[];
            /** @description The version in use; null for one of the original's. */
            from?: string | null;
            /** @description Its gains, a sentence or two each. */
            gains: string[];
            /** @example Python */
            label: string;
            /** @example python */
            language: string;
            /**
             * @description How to install it, below `base_url`.
             * @example /docs/clients/python
             */
            page: string;
            /**
             * @description The version that this server hands out.
             * @example 0.1.0
             */
            to: string;
        };
        /** @description From `from` to before `at`, and from `at` to before `to`: equally long. */
        ComparedTimes: {
            at: string;
            from: string;
            to: string;
        };
        ConsumerAnswer: {
            address: string;
            /** Format: int64 */
            client_errors: number;
            country: string;
            /** @description `u:ID` or `a:ADDRESS`. */
            key: string;
            last_seen: string;
            /** Format: double */
            p95_ms?: number | null;
            /** Format: int64 */
            requests: number;
            /** Format: int64 */
            server_errors: number;
            user: string;
        };
        /** @description A consumer in both stretches. */
        ConsumerChange: {
            address: string;
            /** Format: int64 */
            after: number;
            /** @description The smaller of both is the most that it can be: there are too many consumers to list them all. */
            at_most?: boolean;
            /**
             * Format: int64
             * @description Requests.
             */
            before: number;
            /** @description `u:ID` or `a:ADDRESS`. */
            key: string;
            news: components["schemas"]["ConsumerNews"];
            user: string;
        };
        /** @enum {string} */
        ConsumerNews: "quiet" | "appeared";
        ConsumersAnswer: {
            /** @description Whether `total_rows` is an estimate, with a relative standard error of 1.2 %. */
            about?: boolean;
            /** @description The asker may not see who they are. */
            hidden: boolean;
            /**
             * Format: int64
             * @description The counts of `rows` may be too low by at most this many requests: a file with very many consumers keeps counts of the busiest.
             */
            low_by_up_to?: number | null;
            /**
             * Format: int64
             * @description A row with at most this many requests may be missing from `rows`.
             */
            missing_up_to?: number | null;
            rows: components["schemas"]["ConsumerAnswer"][];
            /** Format: int64 */
            total_rows: number;
        };
        /** @description A channel that was just made. */
        CreatedChannel: {
            channel: components["schemas"]["ChannelAnswer"];
            /** @description With which a webhook's notices are signed (Standard Webhooks), where it was made here. Shown only once. */
            secret?: string | null;
        };
        /** @description A key that was just made. */
        CreatedKey: {
            can: string;
            created_at: string;
            /** Format: int64 */
            id: number;
            /** @description Shown only once. */
            key: string;
            last_used_at?: string | null;
            prefix: string;
        };
        CreatedProject: {
            dashboard_id: string;
            /** @description Shown only once. */
            key: string;
            /** Format: int32 */
            project_id: number;
        };
        /** @description A link that was just made. */
        CreatedShareLink: {
            addresses: boolean;
            consumers: boolean;
            created_at: string;
            expires_at?: string | null;
            hits: boolean;
            /** Format: int64 */
            id: number;
            last_used_at?: string | null;
            name: string;
            q: string;
            /** @description Shown only once. */
            token: string;
            /** @description To be sent to the people who may look. Shown only once. */
            url: string;
        };
        Dashboard: {
            panels: components["schemas"]["DashboardPanels"];
            period: components["schemas"]["DashboardPeriod"];
            previous?: components["schemas"]["Previous"] | null;
        };
        /** @description The panels that were asked for, by name. */
        DashboardPanels: {
            activity?: components["schemas"]["SeriesAnswer"] | null;
            client_errors?: components["schemas"]["StatAnswer"] | null;
            clients?: components["schemas"]["BreakdownAnswer"] | null;
            consumers?: components["schemas"]["StatAnswer"] | null;
            countries?: components["schemas"]["BreakdownAnswer"] | null;
            devices?: components["schemas"]["BreakdownAnswer"] | null;
            endpoints?: components["schemas"]["EndpointsAnswer"] | null;
            frameworks?: components["schemas"]["BreakdownAnswer"] | null;
            hosts?: components["schemas"]["BreakdownAnswer"] | null;
            hours?: components["schemas"]["HoursAnswer"] | null;
            latency?: components["schemas"]["LatencyAnswer"] | null;
            latency_over_time?: components["schemas"]["SeriesAnswer"] | null;
            operating_systems?: components["schemas"]["BreakdownAnswer"] | null;
            referrers?: components["schemas"]["BreakdownAnswer"] | null;
            requests?: components["schemas"]["StatAnswer"] | null;
            sdks?: components["schemas"]["BreakdownAnswer"] | null;
            server_errors?: components["schemas"]["StatAnswer"] | null;
            statuses?: components["schemas"]["BreakdownAnswer"] | null;
            success_rate?: components["schemas"]["StatAnswer"] | null;
            top_consumers?: components["schemas"]["ConsumersAnswer"] | null;
            traffic?: components["schemas"]["TrafficAnswer"] | null;
            versions?: components["schemas"]["BreakdownAnswer"] | null;
        };
        DashboardPeriod: {
            /** @description Bucket i is from `edges[i]` to before `edges[i + 1]`, Unix milliseconds. The outermost may reach beyond the period. */
            edges: number[];
            /** @description RFC 3339, included. */
            from: string;
            /** @description The last bucket is not over. */
            partial: boolean;
            /** @description How long a bucket is: 1m, 5m, 15m, 1h, 6h, 1d, 1w or 1mo. */
            step: string;
            /** @description RFC 3339, excluded; now, where the period is not over. */
            to: string;
            /** @description IANA name. */
            tz: string;
        };
        /** @description The sums of one day (UTC). The rest of the day is unknown. */
        DayBar: {
            /**
             * @description When it begins.
             * @example 2027-01-31T00:00:00Z
             */
            day: string;
            /** Format: int64 */
            degraded_ms: number;
            /** Format: int64 */
            down_ms: number;
            /** Format: int64 */
            maintenance_ms: number;
            /**
             * @description Computed as in `uptime`; null if too little is known.
             * @example 99.98
             */
            percent?: string | null;
            /**
             * Format: int64
             * @description Today's is counted up to now.
             */
            unknown_ms: number;
            /** Format: int64 */
            up_ms: number;
        };
        Deleted: {
            /**
             * Format: int64
             * @description Hits that were erased.
             */
            erased: number;
            message: string;
            /** Format: int32 */
            status: number;
        };
        DeleteMonitor: {
            url: string;
        };
        DeliveryList: {
            /** @description Newest first. */
            deliveries: components["schemas"]["ChannelDelivery"][];
            /**
             * Format: int64
             * @description `before` of the next page; null if there is none.
             */
            next?: number | null;
        };
        DeliveryTry: {
            at: string;
            /** @description Null if it was delivered. */
            reason?: string | null;
            /**
             * Format: int32
             * @description Null if no answer came.
             */
            status?: number | null;
            /** Format: int64 */
            took_ms: number;
        };
        /** @description A deploy. */
        DeployAnswer: {
            at: string;
            /** Format: int64 */
            id: number;
            source: components["schemas"]["DeploySource"];
            /** @description Null without one, or where a share link does not show it. */
            text?: string | null;
            /** @example v2.4.1 */
            version: string;
        };
        /** @description How a project did before and after a deploy. */
        DeployEffect: {
            after: components["schemas"]["EndpointNumbers"];
            /** @description All requests. */
            before: components["schemas"]["EndpointNumbers"];
            compared?: components["schemas"]["ComparedTimes"] | null;
            deploy: components["schemas"]["DeployAnswer"];
            /** @description Endpoints with enough requests on both sides, and new ones that fail; the worst first, the best last. */
            endpoints: components["schemas"]["EndpointChange"][];
            /**
             * Format: int64
             * @description Requests that an endpoint needs on both sides.
             */
            least_requests: number;
            /**
             * Format: int64
             * @description An endpoint with at most this many requests may be missing: there are too many to list them all.
             */
            missing_up_to?: number | null;
            /**
             * Format: int64
             * @description Number of endpoints compared.
             */
            total_endpoints: number;
        };
        DeployList: {
            /** @description The latest first. */
            deploys: components["schemas"]["DeployAnswer"][];
        };
        /**
         * @description Origin of a deploy.
         * @enum {string}
         */
        DeploySource: "posted" | "requests";
        EndpointAnswer: {
            /** Format: int64 */
            client_errors: number;
            /** @description RFC 3339, UTC. */
            last_seen: string;
            method: string;
            /** Format: double */
            p50_ms?: number | null;
            /** Format: double */
            p95_ms?: number | null;
            /** Format: double */
            p99_ms?: number | null;
            /** Format: int64 */
            requests: number;
            route: string;
            /** Format: int64 */
            server_errors: number;
        };
        /** @description An endpoint in both stretches. */
        EndpointChange: {
            after: components["schemas"]["EndpointNumbers"];
            before: components["schemas"]["EndpointNumbers"];
            method: string;
            route: string;
            verdict: components["schemas"]["Verdict"];
        };
        EndpointNumbers: {
            /** Format: int64 */
            client_errors: number;
            /**
             * Format: double
             * @description Null if no request carries a duration.
             */
            p95_ms?: number | null;
            /** Format: int64 */
            requests: number;
            /** Format: int64 */
            server_errors: number;
        };
        EndpointsAnswer: {
            /** @description Whether `total_rows` is an estimate, with a relative standard error of 1.2 %. */
            about?: boolean;
            /**
             * Format: int64
             * @description A row with at most this many requests may be missing from `rows`.
             */
            missing_up_to?: number | null;
            rows: components["schemas"]["EndpointAnswer"][];
            /** Format: int64 */
            total_rows: number;
        };
        Erased: {
            /**
             * Format: int64
             * @description Hits that are gone.
             */
            erased: number;
            message: string;
        };
        /** @description The body of every error. */
        ErrorAnswer: {
            /**
             * @description Stable.
             * @example unknown_key
             */
            code: string;
            /** @description The problem, its place, and the remedy. */
            message: string;
            /** @description With `invalid_query`: the position of the error in `q`, in characters from 0. */
            offset?: number | null;
            /**
             * Format: int32
             * @description The HTTP status.
             * @example 401
             */
            status: number;
        };
        FieldDescription: {
            /** @description Other names that are understood. */
            aliases: string[];
            /** @description Shown in a monospaced face. */
            code: boolean;
            /** @description Its values can be listed. */
            counted: boolean;
            doc: string;
            /** @description Its key in a hit of `/api/v1/hits`; null if hits are listed without it. */
            key?: string | null;
            /** @description text, number, duration, size, country or status. */
            kind: string;
            /** @description As the page calls it. */
            label: string;
            name: string;
        };
        FieldList: {
            fields: components["schemas"]["FieldDescription"][];
        };
        FieldValue: {
            /** Format: int64 */
            requests: number;
            /** @description As `q` takes it; "" for none. */
            value: string;
        };
        FieldValues: {
            /** @description The most frequent first. */
            values: components["schemas"]["FieldValue"][];
        };
        Health: {
            /** @description Information for the operator that is not a problem, in words. */
            notes?: string[];
            /** @description Problems, in words. */
            problems?: string[];
            /** @description The servers that share the database of projects, if they can be asked for; none if this one has it for itself. */
            servers?: components["schemas"]["HealthOfServer"][];
            /**
             * @description `healthy` or `unhealthy`.
             * @example healthy
             */
            status: string;
        };
        /** @description A server that shares the database of projects. */
        HealthOfServer: {
            /** @description It checks monitors, judges rules, sends notices and does what is done once a day. */
            leads: boolean;
            /**
             * Format: int32
             * @description Its number, part of the ids of its hits.
             */
            node: number;
            /**
             * Format: int64
             * @description Seconds since its last sign of life; none before the first.
             */
            seen_s?: number | null;
            /**
             * @description `alive`, `gone`, or `drained`: its folder holds nothing that ClickHouse lacks.
             * @example alive
             */
            state: string;
            /** @description The one that answers. */
            this: boolean;
            /** @example 0.1.0 */
            version: string;
        };
        /** @description A heartbeat that was noted. */
        HeartbeatNoted: {
            /**
             * @description `start`, `success` or `fail`.
             * @example success
             */
            signal: string;
        };
        /** @description Durations above `from_ms` up to `to_ms`. */
        HistogramBar: {
            /** Format: double */
            from_ms: number;
            /** Format: int64 */
            requests: number;
            /** Format: double */
            to_ms: number;
        };
        /** @description Requests that failed since it began. */
        Hit: {
            /** @default [] */
            consumers: components["schemas"]["HitCount"][];
            /**
             * Format: int64
             * @default 0
             */
            consumers_total: number;
            /**
             * @description The most hit first; at most `limits::NOTICE_LISTED` are shown.
             * @default []
             */
            endpoints: components["schemas"]["HitCount"][];
            /**
             * Format: int64
             * @description All of them, also those that are not listed.
             * @default 0
             */
            endpoints_total: number;
            /**
             * Format: int64
             * @default 0
             */
            requests: number;
        };
        HitCount: {
            name: string;
            /** Format: int64 */
            requests: number;
        };
        HitsPage: {
            hits: components["schemas"]["ApiHit"][];
            /** @description Send it as `after` to get the next page; null at the end. */
            next?: string | null;
        };
        HoursAnswer: {
            /** @description Seven days, Monday first, of 24 hours. */
            cells: number[][];
        };
        IncidentAnswer: {
            incident: components["schemas"]["MonitorIncident"];
            /** @description The notices of its transitions, in order. Kept for 90 days. */
            notices: components["schemas"]["IncidentNotice"][];
            /** @description How it came to be so, in order. */
            transitions: components["schemas"]["IncidentTransition"][];
            /** @description For those who look at the public status page, in order. */
            updates: components["schemas"]["PublicUpdate"][];
        };
        /** @description Changes to an incident by the project's people. A missing field stays as it is. */
        IncidentChange: {
            /**
             * @description Somebody is working on it; false undoes that.
             * @default null
             */
            acknowledged: boolean | null;
            /**
             * @description For the project's people. Null deletes it.
             * @default null
             */
            note: string | null;
            /**
             * @description Publishes the incident on the status page under this title. Null takes it off the page.
             * @default null
             */
            public_title: string | null;
            /**
             * @description `minor` or `major`, of an incident with a public title. Default: major for an outage.
             * @default null
             */
            severity: string | null;
            /**
             * @description Stage of that update: `investigating`, `identified`, `monitoring` or `resolved`. Default: that of the update before. May come
             *     without a text.
             * @default null
             */
            stage: string | null;
            /**
             * @description One more update, for visitors of the status page.
             * @default null
             */
            update: string | null;
        };
        IncidentList: {
            /** @description Newest first. */
            incidents: components["schemas"]["MonitorIncident"][];
            /** @description `before` of the next page; null if there is none. */
            next?: string | null;
        };
        /** @description A notice of an incident to one channel. */
        IncidentNotice: {
            /**
             * Format: int64
             * @description The channel's `id`.
             */
            channel: number;
            channel_name: string;
            created_at: string;
            ended_at?: string | null;
            /** @description When it is tried again, while it waits. */
            next_try_at?: string | null;
            /**
             * @description `opening`, `update` or `resolved`.
             * @example opening
             */
            stage: string;
            /**
             * @description `waiting`, `delivered`, `failed` (the far side refused it) or `given_up` (it was tried for 24 hours).
             * @example delivered
             */
            state: string;
            /**
             * Format: int32
             * @description How often it was sent so far.
             */
            tries: number;
        };
        IncidentStep: {
            at: string;
            /**
             * @description `investigating`, `identified`, `monitoring` or `resolved`.
             * @example identified
             */
            stage: string;
            /** @description May be empty. */
            text: string;
        };
        IncidentTransition: {
            at: string;
            /**
             * @description `opened`, `announced` (its notice had been held back), `worsened` or `closed`.
             * @example opened
             */
            change: string;
            /**
             * @description Why no notice was sent: `maintenance`, `parent`, `flapping`, `unconfirmed`, `never_told` or `stopped`. Null: a notice went
             *     to every channel.
             * @example unconfirmed
             */
            muted?: string | null;
        };
        IngestHealthAnswer: {
            /**
             * Format: int64
             * @description Characters that were no UTF-8.
             */
            bad_utf8: number;
            /**
             * Format: int64
             * @description Batches whose privacy level was none.
             */
            invalid_privacy_level: number;
            last_batch_at?: string | null;
            /** @description Posts that were refused as a whole, by error code, the most first. */
            refused: components["schemas"]["RefusedPosts"][];
            /** @description Hits, by reason, the most first. */
            rejected: components["schemas"]["RejectedHits"][];
            /**
             * Format: int64
             * @description Batches whose `release` was not used: not a text of at most 100 characters, or over the hourly limit of new releases.
             */
            releases_ignored: number;
            /**
             * Format: int64
             * @description Hits that a client posted again and that were not counted twice.
             */
            repeated: number;
            /** @description When counting began; null if nothing has come yet. */
            since?: string | null;
            /** @description The latest first. */
            sources: components["schemas"]["IngestSource"][];
            /**
             * Format: int64
             * @description Texts that were cut to their limit.
             */
            truncated: number;
            /** @description Clients among `sources` that have a better successor here. */
            upgrades: components["schemas"]["ClientUpgrade"][];
        };
        /** @description One client library in one framework on one host; "" for none. */
        IngestSource: {
            /** Format: int64 */
            accepted: number;
            /** Format: int64 */
            batches: number;
            client: components["schemas"]["ClientKind"];
            /**
             * Format: int64
             * @description How far its clock is ahead of the server's (negative: behind), including the way; null if unknown.
             */
            clock_skew_ms?: number | null;
            /**
             * Format: int64
             * @description Hits that the client itself had to drop.
             */
            dropped: number;
            first_at: string;
            /** @example FastAPI */
            framework: string;
            host: string;
            last_at: string;
            /** @description Its times say no zone. */
            naive_times: boolean;
            /** Format: int64 */
            rejected: number;
            /** @example python/1.0.0 */
            sdk: string;
        };
        /**
         * @description Where a path leads to several values, one of them has to fit; for `not_equals` all.
         * @enum {string}
         */
        JsonOperator: "equals" | "not_equals" | "contains" | "less" | "greater" | "exists" | "missing";
        /** @description The comparison that a value in the body must pass. */
        JsonRule: {
            operator: components["schemas"]["JsonOperator"];
            /**
             * @description A JSONPath (RFC 9535).
             * @example $.status
             */
            path: string;
            /** @description Not for `exists` and `missing`. A text and a number that read the same are equal. */
            value?: Record<string, never>;
        };
        KeyList: {
            keys: components["schemas"]["ProjectKey"][];
        };
        /**
         * @description How a monitor is checked.
         * @enum {string}
         */
        Kind: "http" | "tcp" | "heartbeat";
        LatencyAnswer: components["schemas"]["Quantiles"] & {
            /**
             * Format: double
             * @description The threshold: answers up to it satisfy, up to four times it are tolerated.
             */
            apdex_ms: number;
            histogram: components["schemas"]["HistogramBar"][];
            previous?: components["schemas"]["Quantiles"] | null;
            /**
             * Format: int64
             * @description Hits that carry a duration.
             */
            requests: number;
        };
        ListPage: {
            /** @description Whether `total_rows` is an estimate, with a relative standard error of 1.2 %. */
            about?: boolean;
            /** @description The list that this is a page of: sent as `as_of`, the next page is of the same one, as long as the server keeps it. */
            as_of: string;
            /**
             * Format: int64
             * @description The counts of `pieces` may be too low by at most this many requests.
             */
            low_by_up_to?: number | null;
            /**
             * Format: int64
             * @description Rows that match the search.
             */
            matching_rows: number;
            /**
             * Format: int64
             * @description There are too many rows to list them all: one with at most this many requests may be missing.
             */
            missing_up_to?: number | null;
            /**
             * Format: int64
             * @description Requests of the row that has most, whether it matches or not.
             */
            most_requests: number;
            /**
             * Format: int64
             * @description The place of the first row among those that match, from 0.
             */
            offset: number;
            /** @description As the panel's rows are. */
            rows: components["schemas"]["RankedRow"][];
            /**
             * Format: int64
             * @description Rows without a search.
             */
            total_rows: number;
        };
        /** @description A maintenance window. */
        MaintenanceAnswer: {
            created_at: string;
            current?: components["schemas"]["Window"] | null;
            /** Format: int64 */
            id: number;
            /** @description The `id`s of the monitors that it concerns; null for all of the project. */
            monitors?: number[] | null;
            /** @description Whether visitors of the status page see it. */
            published: boolean;
            schedule?: components["schemas"]["Schedule"] | null;
            text?: string | null;
            /** @example Database upgrade */
            title: string;
            /** @description The next times at which it takes place, at most three; empty where it is over. */
            upcoming: components["schemas"]["Window"][];
        };
        MaintenanceList: {
            maintenance: components["schemas"]["MaintenanceAnswer"][];
        };
        /** @description Every field is optional but `schedule`. */
        MaintenanceSettings: {
            /** @description The `id`s of the monitors that it concerns, at most 200. Default: all of the project. */
            monitors?: number[] | null;
            /** @description Whether visitors of the status page see title, text and time. Default: false. */
            published?: boolean | null;
            schedule?: components["schemas"]["Schedule"] | null;
            /** @description Explains it, at most 2,000 characters. */
            text?: string | null;
            /**
             * @description At most 100 characters. Default: Maintenance.
             * @example Database upgrade
             */
            title?: string | null;
        };
        /** @description When a maintenance window takes place. */
        MaintenanceTimes: {
            current?: components["schemas"]["Window"] | null;
            /** @description The next times at which it would take place, at most three; empty where it is over. */
            upcoming: components["schemas"]["Window"][];
        };
        /** @description A monitor and where it stands. */
        MonitorAnswer: {
            /** @description The last 90 days (UTC), the oldest first, today last. Null as `uptime`. */
            bars?: components["schemas"]["DayBar"][] | null;
            certificate?: components["schemas"]["ShownCertificate"] | null;
            created_at: string;
            /** @description Its `id` in the operator's file of monitors, where it is kept there: then it can't be changed here. */
            file_entry?: string | null;
            /**
             * @description The address that a heartbeat's job calls, by GET or POST: as it is for success, with `/start` or `/fail` behind it for
             *     those. Anyone who has it can call.
             */
            heartbeat_url?: string | null;
            /** Format: int64 */
            id: number;
            /** @description Whether an outage is confirmed and not over, even if the current state is unknown. */
            is_down: boolean;
            last_check?: components["schemas"]["MonitorCheck"] | null;
            /** @description Null while it is paused. */
            next_check_at?: string | null;
            settings: components["schemas"]["MonitorSettings"];
            signals?: components["schemas"]["ShownSignals"] | null;
            /** @description Since when it is in this state without a break. Null before the first check. */
            since?: string | null;
            /**
             * @description The state now: `up`, `degraded`, `down`, `unknown` or `maintenance`.
             * @example up
             */
            state: string;
            unconfirmed?: components["schemas"]["Unconfirmed"] | null;
            /** @description Uptime of the last 24 hours, 7, 30, 90 and 365 days. Null in the answer to a change, and with `uptime=false`. */
            uptime?: components["schemas"]["Uptime"][] | null;
        };
        MonitorChanged: {
            message: string;
            /** Format: int32 */
            status: number;
        };
        /** @description The result of a check. */
        MonitorCheck: {
            /** @description When it was due. */
            at: string;
            /**
             * @description The stable code of a failure.
             * @example timeout_connect
             */
            failure?: string | null;
            /**
             * Format: int64
             * @description How long after it was due it began.
             */
            late_ms: number;
            /** @description The failure in words. */
            message?: string | null;
            /**
             * Format: int32
             * @description How many checks were not made, this one and those behind it; 0 for one that was made.
             */
            missed: number;
            /**
             * @description `up`, `degraded`, `down`, or `unknown` where no check was made.
             * @example down
             */
            outcome: string;
            /**
             * Format: int32
             * @description Status of the HTTP answer.
             */
            status?: number | null;
            times: components["schemas"]["PhaseTimes"];
        };
        /** @description At most 200 buckets. */
        MonitorHistory: {
            /** @description Bucket i is from `edges[i]` to before `edges[i + 1]`, Unix milliseconds. The outermost may reach beyond the period. */
            edges: number[];
            series: components["schemas"]["MonitorSeries"];
            /**
             * @description The length of a bucket: `5m`, `15m`, `1h`, `6h`, `1d` or `1w`, in UTC.
             * @example 1h
             */
            step: string;
        };
        /** @description A stretch of failing checks, of flapping, a certificate that ends, or an alert of a rule. */
        MonitorIncident: {
            acknowledged_at?: string | null;
            /** @description The first failure of an outage; when the condition of a rule began to hold. */
            began_at: string;
            /**
             * @description `down`, `flapping` or `certificate`; `rule` of a rule.
             * @example down
             */
            cause: string;
            /** @description When it was confirmed. */
            confirmed_at: string;
            /**
             * Format: int64
             * @description From its begin to its end. Null while it is open.
             */
            duration_ms?: number | null;
            /** @description The first success after it. Null while it is open. */
            ended_at?: string | null;
            /**
             * @description The stable code of the failure.
             * @example timeout_connect
             */
            failure?: string | null;
            hit?: components["schemas"]["Hit"] | null;
            /**
             * @description Begins with `r` for a rule's incident.
             * @example 12-3
             */
            id: string;
            /** @description The newest check before it that succeeded. */
            last_good_at?: string | null;
            /** @description The failure in words. */
            message?: string | null;
            /**
             * Format: int64
             * @description The monitor's `id`. Null: it is a rule's.
             */
            monitor?: number | null;
            monitor_name: string;
            /** @description For the project's people. */
            note?: string | null;
            /** @description Its title on the public status page. Null: visitors do not see the incident. */
            public_title?: string | null;
            /**
             * Format: int64
             * @description The rule's `id`. Null: it is a monitor's.
             */
            rule?: number | null;
            rule_name: string;
            /**
             * @description `minor` or `major`, shown beside that title.
             * @example major
             */
            severity?: string | null;
            /**
             * @description `open` or `closed`.
             * @example open
             */
            state: string;
            /**
             * Format: int32
             * @description Status of the HTTP answer.
             */
            status?: number | null;
            times?: components["schemas"]["PhaseTimes"] | null;
            /** @description The project's own requests to the host succeeded while checks failed: the fault is likely on this server's side. */
            unconfirmed: boolean;
        };
        MonitorList: {
            monitors: components["schemas"]["MonitorAnswer"][];
        };
        /** @description A value per bucket. Times are means of the successful checks, null if there were none; they add up to `total_ms`. */
        MonitorSeries: {
            body_ms: (number | null)[];
            /** @description Checks that were made. */
            checks: number[];
            connect_ms: (number | null)[];
            degraded_ms: number[];
            dns_ms: (number | null)[];
            down_ms: number[];
            /** @description Those of them that failed, confirmed or not. */
            failures: number[];
            first_byte_ms: (number | null)[];
            maintenance_ms: number[];
            /** @description The slowest check that ended well. */
            slowest_ms: (number | null)[];
            tls_ms: (number | null)[];
            total_ms: (number | null)[];
            /** @description Since the monitor was made, up to now. */
            unknown_ms: number[];
            up_ms: number[];
        };
        /** @description A monitor as it is written. A field that is missing has its default; one that belongs to another kind is an error. */
        MonitorSettings: {
            address_family?: components["schemas"]["AddressFamily"] | null;
            /** @description http: the body of the request, at most 16 KiB. */
            body?: string | null;
            /** @description http: a text that the body must contain. */
            body_contains?: string | null;
            /** @description http: a text that the body must not contain. */
            body_excludes?: string | null;
            /**
             * @description heartbeat: the job calls after each of these times: minute, hour, day, month, weekday.
             * @example 30 2 * * *
             */
            cron?: string | null;
            /**
             * Format: int32
             * @description A check that takes longer is degraded. Default: never.
             */
            degraded_above_ms?: number | null;
            /**
             * Format: int32
             * @description Failures in a row until it is down, 1 to 20. Default: 3; of a heartbeat 1.
             */
            down_after?: number | null;
            /** @description http: statuses that count as success: `200`, `2xx` or `200-299`. Default: `2xx`. */
            expected_statuses?: string[] | null;
            /** @description http: whether redirects are followed, at most 5. Default: true. */
            follow_redirects?: boolean | null;
            /**
             * Format: int32
             * @description heartbeat: how long after it is due a call may come, 10 seconds to 366 days. Default: 60.
             */
            grace_s?: number | null;
            /**
             * @description http: sent with the request. Values are never shown: an answer has null in their place, and null in a change keeps
             *     the value that is there.
             */
            headers?: Record<string, never>;
            /**
             * Format: int32
             * @description Seconds between two checks, 20 to 86,400. Default: 60.
             */
            interval_s?: number | null;
            json?: components["schemas"]["JsonRule"] | null;
            kind?: components["schemas"]["Kind"] | null;
            /** @description http: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS. Default: GET. */
            method?: string | null;
            /** @description At most 100 characters. Default: the host that is checked. */
            name?: string | null;
            /**
             * Format: int64
             * @description The `id` of a monitor of the same project that this one depends on, such as the host behind it: while that one fails,
             *     no notices are sent about this one. Its state is not changed by it.
             */
            part_of?: number | null;
            /** @description Not checked while true. Default: false. */
            paused?: boolean | null;
            /**
             * Format: int32
             * @description heartbeat: the job calls at least this often, 30 seconds to 366 days. This or `cron`.
             */
            period_s?: number | null;
            /**
             * @description tcp: `HOST:PORT`.
             * @example db.example.com:5432
             */
            target?: string | null;
            /** @description heartbeat: the zone of `cron`, an IANA name. Default: UTC. */
            time_zone?: string | null;
            /**
             * Format: int32
             * @description For the whole check, below the interval. Default: 10,000. Not for a heartbeat.
             */
            timeout_ms?: number | null;
            /**
             * Format: int32
             * @description Successes in a row until it is up again, 1 to 20. Default: 2; of a heartbeat 1.
             */
            up_after?: number | null;
            /**
             * @description http: the address, with http:// or https://.
             * @example https://api.example.com/health
             */
            url?: string | null;
            /** @description http: whether a certificate that is not trusted is a failure. Default: true. */
            verify_certificate?: boolean | null;
        };
        NewDashboardId: {
            dashboard_id: string;
        };
        /** @description A deploy as it is posted. */
        NewDeploy: {
            /** @description Since when, RFC 3339; now by default. At most 5 minutes ahead. */
            at?: string | null;
            /** @description A note about it, at most 1,000 characters. A share link shows it only where it shows individual requests. */
            text?: string | null;
            /**
             * @description A name for what runs now, such as `v2.4.1` or a commit: at most 100 characters.
             * @example v2.4.1
             */
            version?: string;
        };
        NewKey: {
            /** @description `everything` or `ingest`. */
            can: string;
        };
        NewLink: {
            /** @default false */
            addresses: boolean;
            /** @default false */
            consumers: boolean;
            /**
             * @description RFC 3339, later than now.
             * @default null
             */
            expires_at: string | null;
            /** @default false */
            hits: boolean;
            /**
             * @description At most 100 characters.
             * @default null
             */
            name: string | null;
            /**
             * @description The search language; locked into every answer.
             * @default null
             * @example path:/v1/*
             */
            q: string | null;
        };
        NewProject: {
            /** @description At most 100 characters. */
            name?: string | null;
        };
        /** @description A view as it is posted. In a change, missing fields are kept. */
        NewView: {
            /**
             * @description At most 100 characters. Unique within a project.
             * @example Failing payments
             */
            name?: string | null;
            page?: components["schemas"]["ViewPage"] | null;
            /**
             * @description The page's address behind the `?`, without `project`: `period` or `from` and `to`, `tz`, `q`, `compare`, `sort`, `open`,
             *     `tab.*`, and `method`, `route` or `consumer` where the page is about one. At most 4 KB.
             * @example period=24h&q=status:5xx
             */
            query?: string | null;
        };
        /** @description A hit as the original's data API shows it; `""` for none. */
        OriginalHit: {
            /** @description RFC 3339, UTC. */
            created_at: string;
            hostname: string;
            ip_address: string;
            /** @description Country, two letters. */
            location: string;
            /**
             * Format: int32
             * @description GET 0, POST 1, PUT 2, PATCH 3, DELETE 4, OPTIONS 5, CONNECT 6, HEAD 7, TRACE 8, else 9.
             */
            method: number;
            path: string;
            /**
             * Format: int64
             * @description Whole milliseconds, rounded.
             */
            response_time: number;
            /** Format: int32 */
            status: number;
            user_agent: string;
            user_id: string;
        };
        /** @description The original dashboard's raw rows. */
        OriginalRequests: {
            /** @description `[ip, path, hostname, user_agent_id, method, response_time, status, location, user_id, created_at]`. */
            requests: unknown[][];
            /** @description User agents by their id. */
            user_agents: {
                [key: string]: string;
            };
        };
        /** @description Services under a heading. */
        PageGroup: {
            /** @description "": no heading. */
            name: string;
            services: components["schemas"]["PageService"][];
        };
        /** @description A monitor as visitors know it. */
        PageService: {
            /** @description An SVG with its state. */
            badge_url: string;
            /**
             * Format: int64
             * @description The monitor's `id`.
             */
            monitor: number;
            /** @example Orders */
            name: string;
        };
        /** @description How long each phase took, summed over redirects; null for one that was not reached. */
        PhaseTimes: {
            /** Format: double */
            body_ms?: number | null;
            /** Format: double */
            connect_ms?: number | null;
            /** Format: double */
            dns_ms?: number | null;
            /**
             * Format: double
             * @description From the request sent to the head of the answer.
             */
            first_byte_ms?: number | null;
            /** Format: double */
            tls_ms?: number | null;
            /** Format: double */
            total_ms: number;
        };
        /** @description A check of the original's: one that got no answer has the status 0. */
        Ping: {
            created_at: string;
            /**
             * Format: int64
             * @description Milliseconds.
             */
            response_time: number;
            /** Format: int32 */
            status: number;
        };
        /** @description The period of equal length before. */
        Previous: {
            from: string;
            to: string;
        };
        ProjectKey: {
            /** @description `everything`, or `ingest`: posts hits and deploys, sees nothing. */
            can: string;
            created_at: string;
            /** Format: int64 */
            id: number;
            /** @description Null: never. */
            last_used_at?: string | null;
            /** @description Its first characters. */
            prefix: string;
        };
        ProjectList: {
            projects: components["schemas"]["ProjectOverview"][];
        };
        /** @description A project and its last 24 hours. */
        ProjectOverview: {
            /** @description `owner` or `dashboard`. */
            access: string;
            /**
             * Format: int64
             * @description Those answered with a status of 400 or more.
             */
            errors: number;
            /** @description When the newest accepted batch arrived; null: never. */
            last_hit_at?: string | null;
            name: string;
            /** Format: double */
            p95_ms?: number | null;
            /**
             * Format: int64
             * @description Requests of the same time a day earlier: as long as that of `requests`, whose last hour is under way.
             */
            previous_requests: number;
            /** Format: int32 */
            project_id: number;
            /** Format: int64 */
            requests: number;
            /** @description Requests of each hour, 24 of them. */
            series: number[];
        };
        ProjectSettings: {
            /**
             * @description The caller's access: `owner` (everything), `dashboard` (sees everything), `view` (what a share link shows) or
             *     `demo`.
             */
            access: string;
            /**
             * Format: int32
             * @description The T of Apdex.
             */
            apdex_ms: number;
            /** @description RFC 3339, UTC. */
            created_at: string;
            /** @description Null for anyone but its owner. */
            dashboard_id?: string | null;
            /**
             * Format: int32
             * @description The server's setting; null: for ever.
             */
            default_keep_hits_days?: number | null;
            /** @description The day after which that happens at the earliest, YYYY-MM-DD; null while it is active. */
            erased_after?: string | null;
            /** @description The project was inactive for long and will be erased, unless hits or a look come. */
            inactive: boolean;
            /**
             * Format: int32
             * @description How long its hits are kept; null: as the server says.
             */
            keep_hits_days?: number | null;
            /**
             * @description When the newest accepted batch arrived; null: never. For a share link with a filter, the time of the newest request
             *     that it shows.
             */
            last_hits_at?: string | null;
            /** @description Whether such conditions were left out. */
            locked_hides: boolean;
            /**
             * @description The filter of the share link, which is part of every answer; "" for none. Conditions on what it does not show are
             *     left out.
             */
            locked_q: string;
            name: string;
            /** @description When hits that are older than they are kept are erased next, RFC 3339: once a day. Until then they are shown. */
            next_erasure_at: string;
            /**
             * Format: int32
             * @description The least that batches are kept with; see the ingest call.
             */
            privacy_level: number;
            /** Format: int32 */
            project_id: number;
            shows: components["schemas"]["Shown"];
            /**
             * Format: double
             * @description Success rates, 0 to 1, below which the page turns amber and red.
             */
            success_amber: number;
            /** Format: double */
            success_red: number;
            /** @description IANA name of the zone in which days are counted. */
            tz: string;
        };
        ProjectShareLink: {
            /** @description Parts that its viewers see besides the numbers. */
            addresses: boolean;
            consumers: boolean;
            created_at: string;
            /** @description Null: never. */
            expires_at?: string | null;
            /** @description Individual requests. */
            hits: boolean;
            /** Format: int64 */
            id: number;
            /** @description Null: never. */
            last_used_at?: string | null;
            name: string;
            /** @description The locked filter, which viewers cannot remove; "" for none. */
            q: string;
        };
        /** @description A day (UTC) of a service. */
        PublicDay: {
            /**
             * @description When it begins.
             * @example 2027-01-31T00:00:00Z
             */
            day: string;
            /** Format: int64 */
            degraded_ms: number;
            /** Format: int64 */
            down_ms: number;
            /** Format: int64 */
            maintenance_ms: number;
            /**
             * @description `up`, `degraded`, `down`, `maintenance` or `unknown`.
             * @example up
             */
            state: string;
            /**
             * Format: int64
             * @description Today's is counted up to now.
             */
            unknown_ms: number;
        };
        /** @description Services under a heading. */
        PublicGroup: {
            /** @description "": none. */
            name: string;
            services: components["schemas"]["PublicService"][];
        };
        /** @description An incident as its owner has published it. */
        PublicIncident: {
            began_at: string;
            /** @description Null while it is not over. */
            ended_at?: string | null;
            id: string;
            /**
             * @description `minor` or `major`.
             * @example major
             */
            severity: string;
            /** @example Orders cannot be placed */
            title: string;
            /** @description In order. */
            updates: components["schemas"]["IncidentStep"][];
        };
        /** @description A maintenance window as its owner has published it. */
        PublicMaintenance: {
            /** @description It takes place now. */
            current: boolean;
            from: string;
            id: string;
            /** @description The names of the services that it concerns; empty for all of them. */
            services: string[];
            /** @description May be empty. */
            text: string;
            /** @example Database upgrade */
            title: string;
            to: string;
        };
        PublicService: {
            badge_url: string;
            /** @description The last 90 days, in order. */
            days: components["schemas"]["PublicDay"][];
            /** @example Orders */
            name: string;
            /**
             * @description Share of the requests of the last 90 days that were answered without a server error, rounded down. Null if it is not shown.
             * @example 99.97
             */
            requests_percent?: string | null;
            /**
             * @description `up`, `degraded`, `down`, `maintenance` or `unknown`.
             * @example up
             */
            state: string;
            /**
             * @description Uptime of the last 90 days, rounded down. Null if less than half of the time is known.
             * @example 99.98
             */
            uptime_percent?: string | null;
        };
        /** @description A public status page. */
        PublicStatus: {
            /** @description Closed incidents of the last 90 days, newest first. */
            earlier: components["schemas"]["PublicIncident"][];
            groups: components["schemas"]["PublicGroup"][];
            /** @description Open incidents, newest first. */
            incidents: components["schemas"]["PublicIncident"][];
            /** @description Maintenance now or within 14 days, by start. */
            maintenance: components["schemas"]["PublicMaintenance"][];
            /**
             * @description `operational`, `maintenance`, `degraded`, `disrupted`, `down` or `unknown`.
             * @example disrupted
             */
            state: string;
            /** @example Shop status */
            title: string;
            updated_at: string;
            /** @description Address of the page for people. */
            url: string;
        };
        PublicUpdate: {
            at: string;
            /**
             * @description `investigating`, `identified`, `monitoring` or `resolved`.
             * @example identified
             */
            stage: string;
            text: string;
        };
        Quantiles: {
            /**
             * Format: double
             * @description (satisfied + tolerated / 2) / all.
             */
            apdex?: number | null;
            /** Format: double */
            mean_ms?: number | null;
            /** Format: double */
            p50_ms?: number | null;
            /** Format: double */
            p75_ms?: number | null;
            /** Format: double */
            p90_ms?: number | null;
            /** Format: double */
            p95_ms?: number | null;
            /** Format: double */
            p99_ms?: number | null;
            /** Format: double */
            p999_ms?: number | null;
        };
        /** @description Each day from `from` to before `to`, local times; a `to` that is not later than `from` lies on the day after. */
        QuietHours: {
            /** @example 22:00 */
            from: string;
            /**
             * @description An IANA name. Default: UTC.
             * @example Europe/Berlin
             */
            time_zone?: string;
            /** @example 07:00 */
            to: string;
            /** @description The days on which they begin. Default: every day. */
            weekdays?: components["schemas"]["Weekday"][] | null;
        };
        RankedRow: components["schemas"]["EndpointAnswer"] | components["schemas"]["ConsumerAnswer"] | components["schemas"]["BreakdownRow"];
        /** @description A rule that a name switches on. */
        ReadyMadeAnswer: {
            /** @description When it fires, with its numbers. */
            condition: string;
            /** Format: int32 */
            for_minutes: number;
            group_by: components["schemas"]["RuleGroup"];
            /** Format: int32 */
            keep_minutes: number;
            label: string;
            /** Format: int32 */
            longer_window_minutes?: number | null;
            /** @example server_error_spike */
            name: string;
            /** @description Worth having in every project. */
            recommended: boolean;
            /** @description Severity of the most urgent alerts. */
            severity: components["schemas"]["Severity"];
            /**
             * Format: int32
             * @description Null: of each rate its own.
             */
            window_minutes?: number | null;
        };
        RefusedPosts: {
            /** @example body_too_large */
            code: string;
            last_at: string;
            /** Format: int64 */
            posts: number;
        };
        RejectedHit: {
            /**
             * Format: int32
             * @description Its place among the posted hits, from 0.
             */
            index: number;
            /** @example invalid_status */
            reason: string;
        };
        RejectedHits: {
            /** Format: int64 */
            hits: number;
            last_at: string;
            /** @example invalid_status */
            reason: string;
            sample?: components["schemas"]["RejectedSample"] | null;
        };
        /** @description Why one hit was rejected. Never an address or a user id; above privacy level 0 only the shape of its texts. */
        RejectedSample: {
            /** @example status */
            field: string;
            /**
             * Format: int32
             * @description Its place in its batch, from 0.
             */
            index: number;
            /** @example 99 */
            value: string;
        };
        RouteDecision: {
            /** @description True: this place must not become a parameter. */
            refused?: boolean;
            /**
             * @description Ends in a parameter, which is added or renamed; or in a fixed word, which keeps an endpoint of its own beside the parameter.
             * @example /articles/{title}
             */
            template: string;
        };
        RouteTemplate: {
            /** @description Values at this place that have an endpoint of their own, because they are frequent or were added. */
            kept_words: number;
            /** @description True: values at this place stay endpoints of their own. */
            refused: boolean;
            /** @description `learned` from paths, or `owner` where somebody has added, renamed or refused it. */
            source: string;
            /**
             * @description The path up to and including the parameter.
             * @example /articles/{slug}
             */
            template: string;
        };
        RouteTemplates: {
            /** @description In the order of their texts. */
            routes: components["schemas"]["RouteTemplate"][];
        };
        RuleAlert: {
            /**
             * @description The endpoint or consumer, or the burn rate; "" for all requests together.
             * @example GET /orders/{id}
             */
            of: string;
            /** @description When the condition began to hold. */
            since: string;
            /**
             * @description `pending`, `firing`, or `recovering`: the condition no longer holds, and may again.
             * @example firing
             */
            state: string;
        };
        RuleAnswer: {
            /** @description Alerts that are not over. */
            alerts: components["schemas"]["RuleAlert"][];
            created_at: string;
            /** Format: int64 */
            id: number;
            /**
             * @description Its own name, or what it is about.
             * @example more server errors than usual
             */
            label: string;
            /** @description The settings as they were made. */
            settings: components["schemas"]["RuleSettings"];
            /**
             * @description `paused`, `firing` where any alert fires, `pending` where any may, else `ok`.
             * @example ok
             */
            state: string;
        };
        /**
         * @description One alert for all requests, or one for each of these.
         * @enum {string}
         */
        RuleGroup: "all" | "endpoint" | "consumer";
        RuleList: {
            /** @description Rules that a name switches on. */
            ready_made: components["schemas"]["ReadyMadeAnswer"][];
            rules: components["schemas"]["RuleAnswer"][];
        };
        /** @enum {string} */
        RuleMetric: "requests" | "server_errors" | "client_errors" | "consumers" | "server_error_share" | "client_error_share" | "p50_ms" | "p95_ms" | "p99_ms";
        /** @description Either a ready-made rule by its name, or a metric with its threshold. Fields that are not there have their defaults. */
        RuleSettings: {
            /**
             * Format: double
             * @description It fires from this value on, in the metric's unit. This or `at_most`.
             * @default null
             */
            at_least: number | null;
            /**
             * Format: double
             * @description It fires down from this value.
             * @default null
             */
            at_most: number | null;
            /**
             * Format: int32
             * @description How long the condition must hold, up to 1,440. Default: 0.
             * @default null
             */
            for_minutes: number | null;
            /**
             * Format: double
             * @description burn_rate: the share of requests that must not fail with a status from 500 on, above 0 and below 100.
             * @default null
             * @example 99.9
             */
            goal_percent: number | null;
            /** @default null */
            group_by: components["schemas"]["RuleGroup"] | null;
            /**
             * Format: int32
             * @description How long an alert outlasts it, up to 1,440. Default: 0.
             * @default null
             */
            keep_minutes: number | null;
            /**
             * Format: int64
             * @description Windows with fewer requests say nothing about shares and durations. Default: 0.
             * @default null
             */
            least_requests: number | null;
            /** @default null */
            metric: components["schemas"]["RuleMetric"] | null;
            /**
             * @description As notices call it. Default: what it is about.
             * @default null
             */
            name: string | null;
            /**
             * @description It is not judged, and what fired has ended.
             * @default false
             */
            paused: boolean;
            /**
             * @description In the search language. Default: all requests.
             * @default null
             * @example path:/v1/*
             */
            q: string | null;
            /**
             * @description One of the names that `GET /api/v1/rules` lists under `ready_made`. All fields below but `goal_percent` are for other rules.
             * @default null
             * @example server_error_spike
             */
            ready_made: string | null;
            /** @default null */
            severity: components["schemas"]["Severity"] | null;
            /**
             * Format: int32
             * @description 1 to 1,440. Default: 5.
             * @default null
             */
            window_minutes: number | null;
        };
        /** @description When maintenance takes place, as it is stored and spoken of by the API. */
        Schedule: {
            /** @example 2027-01-31T22:00:00Z */
            from: string;
            /** @enum {string} */
            kind: "once";
            /** @example 2027-02-01T00:00:00Z */
            to: string;
        } | {
            from: string;
            /** @enum {string} */
            kind: "weekly";
            time_zone?: string;
            to: string;
            weekdays: components["schemas"]["Weekday"][];
        } | {
            cron: string;
            /** @enum {string} */
            kind: "cron";
            /** Format: int32 */
            minutes: number;
            time_zone?: string;
        };
        /** @description Bucket i is from `edges[i]` to `edges[i + 1]`, Unix milliseconds. Without a hit: 0 for counts, null for the rest. */
        SeriesAnswer: {
            edges: number[];
            series: {
                [key: string]: (number | null)[];
            };
        };
        ServerInfo: {
            /** @description Where this server is reached, without a slash at the end. */
            base_url: string;
            clients: components["schemas"]["ClientPackage"][];
            /** @description Whether there is a demo (`project=demo`). */
            demo: boolean;
            /** @description Whether anyone may create projects. */
            registration_open: boolean;
            version: string;
        };
        /** @description A monitor as visitors know it. */
        Service: {
            /**
             * Format: int64
             * @description The monitor's `id`, which visitors do not see.
             */
            monitor: number;
            /**
             * @description Shown in place of the monitor's own name.
             * @example Orders
             */
            name: string;
        };
        /** @description Services under a heading. */
        ServiceGroup: {
            /**
             * @description The heading. "": none.
             * @example API
             */
            name?: string;
            services: components["schemas"]["Service"][];
        };
        /** @description A missing field stays as it is. */
        SettingsChange: {
            /**
             * Format: int32
             * @description 1 to 3,600,000.
             * @default null
             */
            apdex_ms: number | null;
            /**
             * Format: int32
             * @description 1 to 36,500; null: as the server says.
             * @default null
             */
            keep_hits_days: number | null;
            /**
             * @description At most 100 characters.
             * @default null
             */
            name: string | null;
            /**
             * Format: int32
             * @description 0 to 2. Raising it erases what the new level would not have stored.
             * @default null
             */
            privacy_level: number | null;
            /**
             * Format: double
             * @description 0 to 1, not below `success_red`.
             * @default null
             */
            success_amber: number | null;
            /**
             * Format: double
             * @description 0 to 1.
             * @default null
             */
            success_red: number | null;
            /**
             * @description IANA name, such as `Europe/London`.
             * @default null
             */
            tz: string | null;
        };
        /**
         * @description How urgent an alert is, where a channel tells them apart.
         * @enum {string}
         */
        Severity: "critical" | "warning" | "info";
        ShareLinkList: {
            share_links: components["schemas"]["ProjectShareLink"][];
        };
        /** @description Parts of the project that this call may see besides the numbers. */
        Shown: {
            addresses: boolean;
            consumers: boolean;
            /** @description Individual requests. */
            hits: boolean;
        };
        ShownCertificate: {
            issuer: string;
            /**
             * @description `fine`, `warn`, `critical`, `not_yet_valid` or `expired`: how soon it ends, by days and by its life.
             * @example fine
             */
            level: string;
            names: string[];
            not_after: string;
            not_before: string;
            /** @description Why it is not trusted, in words. */
            problem?: string | null;
        };
        /** @description When a heartbeat's job last called. */
        ShownSignals: {
            failed_at?: string | null;
            started_at?: string | null;
            succeeded_at?: string | null;
            /**
             * Format: int64
             * @description From the last start to what followed.
             */
            took_ms?: number | null;
        };
        /** @description One of the two. */
        SignIn: {
            /** @description The original's "user id": sees everything and manages monitors. */
            dashboard_id?: string | null;
            /** @description A key with full access. */
            key?: string | null;
        };
        /** @description A number, the same of the period before, and per bucket. */
        StatAnswer: {
            /** @description Whether the value is an estimate, with a relative standard error of 1.2 %; the same holds for its series. */
            about?: boolean;
            /** Format: double */
            previous?: number | null;
            series: (number | null)[];
            /** Format: double */
            value?: number | null;
        };
        /** @description A project's status page, as its owner sees it. */
        StatusPageAnswer: {
            /**
             * @description Null: the colour of API Analytics.
             * @example #0c7d5b
             */
            accent?: string | null;
            /** @description Anyone may look at it. */
            enabled: boolean;
            groups: components["schemas"]["PageGroup"][];
            /** @description Its logo's address. Null: the mark of API Analytics. */
            logo_url?: string | null;
            /** @description Whether the share of requests without a server error is shown beside the bars. */
            show_requests: boolean;
            /**
             * @description The last part of its address. One is proposed as long as the page was never changed.
             * @example shop-k3vq8wfn
             */
            slug: string;
            /** @description Visitors can subscribe by e-mail, and subscribers are mailed what is published. */
            subscriptions: boolean;
            /**
             * @description Why nobody can be mailed, and what the server's operator must set. Null: all is set.
             * @example null
             */
            subscriptions_problem?: string | null;
            /** @example Shop status */
            title: string;
            /** @description Its address, also while it is not shown. */
            url: string;
        };
        /** @description The owner's changes. A missing field stays as it is. */
        StatusPageChange: {
            /**
             * @description `#rrggbb`. It is darkened or lightened where it could not be read. Null: the colour of API Analytics.
             * @default null
             */
            accent: string | null;
            /**
             * @description True shows the page to anyone.
             * @default null
             */
            enabled: boolean | null;
            /**
             * @description All services of the page, each with the name that visitors see.
             * @default null
             */
            groups: components["schemas"]["ServiceGroup"][] | null;
            /**
             * @description A PNG, JPEG or WebP image of at most 32 KiB, as base64 or a `data:` address. Null deletes it.
             * @default null
             */
            logo: string | null;
            /**
             * @description Shows the share of requests to each monitor's host that were answered without a server error.
             * @default null
             */
            show_requests: boolean | null;
            /**
             * @description 3 to 60 of the letters a to z, digits and hyphens. Null: the proposed one, which nobody can guess.
             * @default null
             */
            slug: string | null;
            /**
             * @description True lets visitors subscribe by e-mail, where the server's operator has set what that needs.
             * @default null
             */
            subscriptions: boolean | null;
            /**
             * @description At most 100 characters. Null: Status.
             * @default null
             */
            title: string | null;
        };
        SubscriberAnswer: {
            /** @example ann@example.com */
            address: string;
            confirmed_at: string;
            /** Format: int64 */
            id: number;
        };
        /** @description The addresses that are subscribed to the status page. */
        SubscriberList: {
            /**
             * Format: int64
             * @description How many are subscribed.
             * @example 214
             */
            confirmed: number;
            /**
             * Format: int64
             * @description `after` of the next page; null on the last one.
             */
            next?: number | null;
            /** @description By `id`. */
            subscribers: components["schemas"]["SubscriberAnswer"][];
            /**
             * Format: int64
             * @description Addresses that have not been confirmed yet. They are not listed, and are deleted after three days.
             * @example 3
             */
            unconfirmed: number;
        };
        TrafficAnswer: components["schemas"]["SeriesAnswer"] & {
            /** Format: int64 */
            request_bytes: number;
            /** Format: int64 */
            response_bytes: number;
            rows: components["schemas"]["TrafficRow"][];
            /**
             * Format: int64
             * @description Hits that carry a size.
             */
            sized: number;
        };
        TrafficRow: {
            method: string;
            /** Format: int64 */
            request_bytes: number;
            /** Format: int64 */
            requests: number;
            /** Format: int64 */
            response_bytes: number;
            route: string;
        };
        Unconfirmed: {
            /** Format: int32 */
            results: number;
            /** @description When the first of them was due. */
            since: string;
        };
        /** @description Uptime of a period that ends now. */
        Uptime: {
            /**
             * @description The known share of the period.
             * @example 100.0
             */
            coverage_percent?: string | null;
            /** Format: int64 */
            degraded_ms: number;
            /** Format: int64 */
            down_ms: number;
            /**
             * @description Share of the known time that was up or degraded, rounded down. Null if too little is known.
             * @example 99.98
             */
            percent?: string | null;
            /** @example 30d */
            period: string;
        };
        /**
         * @description How an endpoint did.
         * @enum {string}
         */
        Verdict: "fails_more" | "slower" | "steady" | "faster" | "fails_less";
        /** @description A saved view. */
        ViewAnswer: {
            created_at: string;
            /** Format: int64 */
            id: number;
            /** @example Failing payments */
            name: string;
            page: components["schemas"]["ViewPage"];
            /**
             * @description The page's address behind the `?`, without `project`.
             * @example period=24h&q=status%3A5xx
             */
            query: string;
        };
        ViewList: {
            /** @description Ordered by name. */
            views: components["schemas"]["ViewAnswer"][];
        };
        /**
         * @description The pages that a view can be of.
         * @enum {string}
         */
        ViewPage: "dashboard" | "requests" | "endpoint" | "consumer";
        /** @enum {string} */
        Weekday: "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";
        Window: {
            from: string;
            to: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    show_data: {
        parameters: {
            query?: {
                /** @description Rows as arrays, the first one the column names */
                compact?: boolean;
                /** @description One day, YYYY-MM-DD (UTC); wins over a range */
                date?: string;
                /** @description First day, YYYY-MM-DD (UTC) */
                dateFrom?: string;
                /** @description Last day, YYYY-MM-DD (UTC), included */
                dateTo?: string;
                /** @description Only this host */
                hostname?: string;
                /** @description Only this address; also `ip`, `ip_address` */
                ipAddress?: string;
                /** @description Only this country, two letters */
                location?: string;
                /** @description From 1; 50,000 hits each */
                page?: number;
                /** @description Only this status */
                status?: number;
                /** @description Only this consumer; also `userId`, `userID` */
                user_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OriginalHit"][];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    delete_by_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A key with full access */
                api_key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every copy of the project on disk is gone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description The key is not known */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Deleting by GET is off */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    generate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new key, shown only once */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example 0b0f5a6e-2a33-4c55-9d1e-0123456789ab */
                    "application/json": string;
                };
            };
            /** @description Registration is closed, or another site made a browser call */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many projects from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    generate_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new key, shown only once */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string;
                };
            };
            /** @description Registration is closed, or another site made a browser call */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many projects from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All is well */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Something is wrong; `problems` says what */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    succeed_by_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The heartbeat's secret */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is noted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatNoted"];
                };
            };
            /** @description No monitor waits for this heartbeat */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown secrets from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    succeed: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The heartbeat's secret */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is noted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatNoted"];
                };
            };
            /** @description No monitor waits for this heartbeat */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown secrets from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    signal_by_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `start`, `success` or `fail` */
                signal: string;
                /** @description The heartbeat's secret */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is noted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatNoted"];
                };
            };
            /** @description No monitor waits for this heartbeat, or there is no such signal */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown secrets from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    signal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `start`, `success` or `fail` */
                signal: string;
                /** @description The heartbeat's secret */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is noted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatNoted"];
                };
            };
            /** @description No monitor waits for this heartbeat, or there is no such signal */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown secrets from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    post_log_request: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Batch"];
            };
        };
        responses: {
            /** @description The hits are on disk */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
            /** @description The body cannot be read, or every hit was rejected */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    add: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddMonitor"];
            };
        };
        responses: {
            /** @description Added */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorChanged"];
                };
            };
            /** @description The address or the body cannot be used */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No project has this dashboard id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description There is one of this address, or the project has as many monitors as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown ids from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteMonitor"];
            };
        };
        responses: {
            /** @description Deleted */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorChanged"];
                };
            };
            /** @description The body cannot be used */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No project has this dashboard id, or it has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The monitor is kept in the operator's file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown ids from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_pings: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The dashboard id */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The checks by the address of their monitor */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: components["schemas"]["Ping"][];
                    };
                };
            };
            /** @description No project has this dashboard id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown ids from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    regenerate_user_id: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new dashboard id */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string;
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    post_requests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Batch"];
            };
        };
        responses: {
            /** @description The hits are on disk */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchAnswer"];
                };
            };
            /** @description The body cannot be read, or every hit was rejected */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The batch is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Compressed with something other than gzip */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown keys from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Cannot be kept now; see Retry-After */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_requests: {
        parameters: {
            query?: {
                /** @description From 1; 250,000 hits each. 0: all, up to 1,000,000 */
                page?: number;
            };
            header?: never;
            path: {
                /** @description The dashboard id */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Rows and the user agents that they name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OriginalRequests"];
                };
            };
            /** @description A parameter cannot be used */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No project has this dashboard id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_requests_page: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description From 1; 250,000 hits each. 0: all, up to 1,000,000 */
                page: number;
                /** @description The dashboard id */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Rows and the user agents that they name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OriginalRequests"];
                };
            };
            /** @description A parameter cannot be used */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No project has this dashboard id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_user_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A key with full access */
                api_key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The dashboard id */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": string;
                };
            };
            /** @description The key is not known */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown keys from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_changes: {
        parameters: {
            query?: {
                /** @description `previous`: with the period of equal length before. Without it there are no rows */
                compare?: string;
                /** @description RFC 3339, included */
                from?: string;
                /** @description 24h, 7d (the default), 30d, 6mo, 12mo or all */
                period?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description Only hits that pass this filter */
                q?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name; the project's by default */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changes"];
                };
            };
            /** @description As the ETag in If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show a field of `q` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The query took too long; ask for a shorter period */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_channels: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The channels, without their secrets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show channels */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_channel: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelBody"];
            };
        };
        responses: {
            /** @description The channel, and the signing secret of a webhook that was made for it */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedChannel"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many channels as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_channel: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The channel's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The channel, without its secrets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show channels */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such channel */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_channel: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The channel's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such channel */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_channel: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The channel's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelBody"];
            };
        };
        responses: {
            /** @description The channel as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such channel */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description Only those before this one, such as `next` of the page before */
                before?: number;
                /** @description At most so many, 1 to 200. Default: 50 */
                limit?: number;
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The channel's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The deliveries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such channel */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    test_channel: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The channel's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The response of the channel's service */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelTest"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such channel */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many tests were asked for from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_consumer: {
        parameters: {
            query?: {
                /** @description ndjson (default) or csv */
                format?: string;
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description `u:ID` for a user id, `a:ADDRESS` for every hit from that address, also those with a user id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hits, as a file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ApiHit"];
                    "text/csv": string;
                };
            };
            /** @description Neither u:ID nor a:ADDRESS */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link shows no one's hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No request of this consumer is kept */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    erase_consumer: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description `u:ID` for a user id, `a:ADDRESS` for every hit from that address, also those with a user id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every copy on disk is gone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erased"];
                };
            };
            /** @description Neither u:ID nor a:ADDRESS */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description No request of this consumer is kept: nothing was to be erased */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_dashboard: {
        parameters: {
            query?: {
                /** @description `previous`: with the period of equal length before */
                compare?: string;
                /** @description RFC 3339, included */
                from?: string;
                /** @description Their names with commas between; all by default */
                panels?: string;
                /** @description 24h, 7d (the default), 30d, 6mo, 12mo or all */
                period?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description The search language: `status:5xx path:/v1/* -country:US duration:>1s` */
                q?: string;
                /** @description Rows of each breakdown: 20 by default, at most 500 */
                rows?: number;
                /** @description What `endpoints` and `top_consumers` are ordered by, descending: requests (the default), error_rate, p50_ms, p95_ms, p99_ms or last_seen */
                sort?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name; the project's by default */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The panels */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dashboard"];
                };
            };
            /** @description As the ETag in If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show a field of `q` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The query took too long; ask for a shorter period or fewer panels */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_deploys: {
        parameters: {
            query?: {
                /** @description RFC 3339, included */
                from?: string;
                /** @description 24h, 7d, 30d, 6mo, 12mo or all (the default) */
                period?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name; the project's by default */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The deploys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeployList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_deploy: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDeploy"];
            };
        };
        responses: {
            /** @description The deploy was known */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeployAnswer"];
                };
            };
            /** @description The deploy */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeployAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many deploys from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_deploy: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The deploy's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such deploy */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_effect: {
        parameters: {
            query?: {
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The deploy's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Both sides */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeployEffect"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such deploy, or there is no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The query took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_fields: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All fields */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FieldList"];
                };
            };
        };
    };
    list_values: {
        parameters: {
            query?: {
                /** @description RFC 3339, included */
                from?: string;
                /** @description At most 200; 20 by default */
                limit?: number;
                /** @description 24h, 7d (the default), 30d, 6mo, 12mo or all */
                period?: string;
                /** @description How the value begins, in any case */
                prefix?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description Only hits that pass this filter */
                q?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name; the project's by default */
                tz?: string;
            };
            header?: never;
            path: {
                /** @description Its name; see /api/v1/fields */
                field: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The values */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FieldValues"];
                };
            };
            /** @description As the ETag in If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show the field */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description There is no such field, or no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The query took too long */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_hits: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                after?: string;
                /** @description json (default), ndjson or csv */
                format?: string;
                /** @description RFC 3339, included */
                from?: string;
                /** @description At most 10,000; 100 by default for JSON, no limit for ndjson and csv */
                limit?: number;
                /** @description 24h, 7d, 30d, 6mo, 12mo or all (the default) */
                period?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description The search language: `status:5xx path:/v1/* -country:US duration:>1s` */
                q?: string;
                /** @description time (default), or duration: slowest first, those without one last; JSON alone, at most 200 a page */
                sort?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name, in which days of a period are counted; the project's by default */
                tz?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HitsPage"];
                    "application/x-ndjson": components["schemas"]["ApiHit"];
                    "text/csv": string;
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show them */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_hit: {
        parameters: {
            query?: {
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
            };
            header?: never;
            path: {
                /** @description Its `hit_id` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hit */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiHit"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show them */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such hit, the share link does not show it, or the server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_incidents: {
        parameters: {
            query?: {
                /** @description Only those that began before this time (RFC 3339), such as `next` of the page before */
                before?: string;
                /** @description At most so many, 1 to 500. Default: 50 */
                limit?: number;
                /** @description Only those of this monitor */
                monitor?: number;
                /** @description Which of the session's projects */
                project?: number;
                /** @description Only those of this rule; not together with `monitor` */
                rule?: number;
                /** @description `open`: only those that are not over */
                state?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The incidents */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show incidents */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_incident: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The incident's `id` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The incident */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show incidents */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such incident */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_incident: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The incident's `id` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["IncidentChange"];
            };
        };
        responses: {
            /** @description The incident as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such incident */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_ingest_health: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Counts since counting began */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestHealthAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show it */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys, without themselves */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description The key, shown only once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedKey"];
                };
            };
            /** @description `can` is neither `everything` nor `ingest` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many keys as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The key's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such key */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description It is the last key with full access */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_list: {
        parameters: {
            query?: {
                /** @description `as_of` of the page before: the same list, as long as it is kept */
                as_of?: string;
                /** @description json (the default), ndjson or csv: a file of all rows that match */
                format?: string;
                /** @description RFC 3339, included */
                from?: string;
                /** @description At most 500 and 50 by default; a file has all rows by default, and any number */
                limit?: number;
                /** @description Rows to pass over */
                offset?: number;
                /** @description desc (the default) or asc; rows without a value come last either way */
                order?: string;
                /** @description 24h, 7d (the default), 30d, 6mo, 12mo or all */
                period?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description Only hits that pass this filter */
                q?: string;
                /** @description Words that a row's name has, each of them and in any case */
                search?: string;
                /** @description requests (the default), error_rate, name; of endpoints and consumers also p95_ms and last_seen, of endpoints p50_ms and p99_ms */
                sort?: string;
                /** @description RFC 3339, excluded */
                to?: string;
                /** @description IANA name; the project's by default */
                tz?: string;
            };
            header?: never;
            path: {
                /** @description endpoints, top_consumers, statuses, versions, countries, clients, operating_systems, devices, referrers, hosts, frameworks or sdks */
                panel: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListPage"];
                    "application/x-ndjson": components["schemas"]["RankedRow"];
                    "text/csv": string;
                };
            };
            /** @description As the ETag in If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show these rows or a field of `q` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description There is no such list, or no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The query took too long; ask for a shorter period */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The maintenance windows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show maintenance */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MaintenanceSettings"];
            };
        };
        responses: {
            /** @description The maintenance window */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many maintenance windows as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The maintenance window's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The maintenance window */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show maintenance */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such maintenance window */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The maintenance window's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such maintenance window */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The maintenance window's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MaintenanceSettings"];
            };
        };
        responses: {
            /** @description The maintenance window as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such maintenance window */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    preview_maintenance: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MaintenanceSettings"];
            };
        };
        responses: {
            /** @description The times */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MaintenanceTimes"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_monitors: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
                /** @description false: without `uptime` and `bars`, which change slowly. Default: true */
                uptime?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The monitors and where they stand */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show monitors */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_monitor: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MonitorSettings"];
            };
        };
        responses: {
            /** @description The monitor with every default filled in */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many monitors as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_monitor: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The monitor */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show monitors */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_monitor: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The monitor is kept in the operator's file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_monitor: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MonitorSettings"];
            };
        };
        responses: {
            /** @description The monitor as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The monitor is kept in the operator's file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    check_now: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The result of the check */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckedNow"];
                };
            };
            /** @description The monitor is a heartbeat, which is called and does not call */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many checks were asked for from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_checks: {
        parameters: {
            query?: {
                /** @description Only those before this time (RFC 3339), such as `next` of the page before */
                before?: string;
                /** @description At most so many, 1 to 1,000. Default: 100 */
                limit?: number;
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The results */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show monitors */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_history: {
        parameters: {
            query?: {
                /** @description From this time on (RFC 3339), in place of `period` */
                from?: string;
                /** @description `24h`, `7d`, `30d`, `6mo`, `12mo` or `all`. Default: 24h */
                period?: string;
                /** @description Which of the session's projects */
                project?: number;
                /** @description Up to before this time (RFC 3339). Default: now */
                to?: string;
            };
            header?: never;
            path: {
                /** @description The monitor's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The buckets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorHistory"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show monitors */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such monitor */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
        };
    };
    show_project: {
        parameters: {
            query?: {
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectSettings"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_project: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Everything is erased */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erased"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_project: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsChange"];
            };
        };
        responses: {
            /** @description The settings as they are now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectSettings"];
                };
            };
            /** @description A setting cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    regenerate_dashboard_id: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new one */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewDashboardId"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_projects: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The projects, with what happened in the last 24 hours */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
            /** @description The key is unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or is a share link's token */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown keys from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_project: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description May be left out */
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProject"];
            };
        };
        responses: {
            /** @description Created; the key is shown only once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedProject"];
                };
            };
            /** @description The body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Registration is closed, or the call comes from another site */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many projects from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_routes: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The templates */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RouteTemplates"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link doesn't show them */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    decide_route: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RouteDecision"];
            };
        };
        responses: {
            /** @description All templates */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RouteTemplates"];
                };
            };
            /** @description The template cannot be used; the message says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_rules: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rules and where they stand */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show rules */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_rule: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleSettings"];
            };
        };
        responses: {
            /** @description The rule with its numbers */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many rules as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_rule: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The rule's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rule */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show rules */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such rule */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_rule: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The rule's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such rule */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_rule: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The rule's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleSettings"];
            };
        };
        responses: {
            /** @description The rule as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such rule */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_server: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description For anyone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerInfo"];
                };
            };
        };
    };
    open_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description Signed in; the cookie holds the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
            /** @description The body cannot be read */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key or dashboard id is not known */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the call comes from another site */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many unknown keys from this address */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    close_session: {
        parameters: {
            query?: {
                /** @description Only this one */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed out, also where nobody was signed in */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A parameter cannot be used */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The call comes from another site */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_share_links: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The links, without their tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareLinkList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_share_link: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewLink"];
            };
        };
        responses: {
            /** @description The link with its token, shown only once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedShareLink"];
                };
            };
            /** @description The filter or the time cannot be used; the message says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has as many share links as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    revoke_share_link: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The link's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such link */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_status_page: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page's settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusPageAnswer"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show the settings of a status page */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_status_page: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no status page */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_status_page: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StatusPageChange"];
            };
        };
        responses: {
            /** @description The page's settings as they are now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusPageAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Another status page has this address */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_subscribers: {
        parameters: {
            query?: {
                /** @description Only those after this one, such as `next` of the page before */
                after?: number;
                /** @description At most so many, 1 to 1,000. Default: 1,000 */
                limit?: number;
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The subscribers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubscriberList"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_subscriber: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The subscriber's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The status page has no such subscriber */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    follow_hits: {
        parameters: {
            query?: {
                /** @description The id of an event, or a `hit_id`: begin with the hit that arrived after it */
                after?: string;
                /** @description `all` (default), or `none`: only whether there were some */
                hits?: string;
                /** @description Which of the session's projects; `demo` for the demo */
                project?: string;
                /** @description The search language, as for `/api/v1/hits` */
                q?: string;
            };
            header?: {
                /** @description The same, and takes precedence */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, for as long as the client reads */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["ApiHit"];
                };
            };
            /** @description A parameter cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key is missing or unknown */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The key may only post hits, or the share link does not show them */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The server has no demo */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project, or the server, has as many watchers as it may have */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_views: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The views */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewList"];
                };
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description A share link does not show views, nor does the demo */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    create_view: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewView"];
            };
        };
        responses: {
            /** @description The view */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The name is taken, or the project has as many views as it may have */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    remove_view: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The view's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The session holds several projects and `project` is missing */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such view */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    change_view: {
        parameters: {
            query?: {
                /** @description Which of the session's projects */
                project?: number;
            };
            header?: never;
            path: {
                /** @description The view's `id` */
                id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewView"];
            };
        };
        responses: {
            /** @description The view as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewAnswer"];
                };
            };
            /** @description A field cannot be used; the message names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Nothing that opens the project came with the call */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The caller may look and not change */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description The project has no such view */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Another view has this name */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Counters and gauges */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description Only for this machine, unless the setting `metrics` says otherwise */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    list_packages: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `python`, `node` ... */
                language: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Links to the files, with their hashes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description There is no client for this language */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    send_package: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `python`, `node` ... */
                language: string;
                /** @description A file of the list; it may hold slashes */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file: a package, or what the language's tool reads to find one */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            /** @description There is no such file */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
    show_json: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The last part of the page's address */
                slug: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicStatus"];
                };
            };
            /** @description As the ETag in If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description There is no status page at this address */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
            /** @description Too many queries wait for their turn */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorAnswer"];
                };
            };
        };
    };
}
