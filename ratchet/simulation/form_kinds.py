"""Kinds of forms, each with fields of its own in document order.

Add a kind, or a field to one. Parts from which further names are made are in `name_parts.py`; `vocabulary.py` draws.
"""

_FIELDS = {
    "sign_up": """first_name last_name email username password confirm_password display_name birth_year referral_code
        phone country time_zone security_question security_answer newsletter_opt_in captcha_answer accept_terms""",
    "checkout": """email full_name street_address apartment city state postal_code country delivery_slot gift_message
        card_number card_expiry card_cvc name_on_card billing_same promo_code vat_id order_notes shipping_method""",
    "job_application": """applicant_name email phone current_employer job_title years_of_experience highest_degree
        university graduation_year linkedin_url portfolio_url cover_letter desired_salary notice_period work_permit
        start_date reference_name reference_phone relocation skills""",
    "insurance_quote": """policy_holder date_of_birth vehicle_make vehicle_model vehicle_year license_plate
        annual_mileage driver_license parking_location claims_history no_claims_years deductible coverage_level
        previous_insurer home_value smoker postal_code""",
    "loan": """loan_amount loan_purpose loan_term monthly_income employment_status employer_name employed_since
        monthly_rent existing_debts credit_score iban ssn_last4 co_applicant dependents tax_number residence_status
        bank_name""",
    "booking": """destination check_in check_out guests rooms room_type guest_name passport_number nationality
        arrival_time airline flight_number seat_preference meal_preference loyalty_number special_requests child_ages
        luggage""",
    "business_registration": """company_name legal_form registration_number vat_number industry founding_date
        share_capital managing_director number_of_employees annual_revenue business_address trade_license website_url
        contact_person fiscal_year_end beneficial_owner bank_account""",
    "patient_intake": """patient_name date_of_birth sex blood_type height weight allergies current_medication
        medical_history primary_physician insurance_provider insurance_member_id emergency_contact symptoms
        symptom_onset pain_level last_visit pharmacy""",
    "event_registration": """attendee_name badge_name organization job_role email ticket_type dietary_needs
        t_shirt_size session_choice workshop arrival_day hotel_needed accessibility_needs invoice_address group_code
        speaker_bio""",
    "account_settings": """current_password new_password repeat_password recovery_email backup_phone two_factor_code
        nickname bio avatar_url language notification_frequency default_currency session_timeout api_key_name
        linked_account privacy_level profile_slug""",
    "survey": """satisfaction_score recommend_score favorite_feature missing_feature age_group household_size
        occupation usage_frequency purchase_reason improvement_ideas free_comment contact_permission education
        income_bracket survey_code region""",
    "support_contact": """customer_number ticket_subject issue_category product_serial error_message
        steps_to_reproduce order_number purchase_date severity attachment_name callback_number preferred_contact_time
        operating_system software_version message contact_email""",
    "rental_application": """tenant_name current_address move_in_date lease_length monthly_budget landlord_name
        landlord_phone number_of_occupants pets eviction_history guarantor_name guarantor_income parking_space
        previous_address reason_for_moving""",
    "admission": """student_name student_id program_choice intake_term previous_school grade_average test_score
        language_certificate motivation_letter guardian_name guardian_email scholarship citizenship transcript_id
        recommender_email essay_title""",
    "donation": """donation_amount donation_frequency donor_name donor_email dedicate_to tribute_message
        employer_match tax_receipt anonymous_gift account_holder routing_number mailing_address campaign_code""",
    "tax_filing": """tax_year filing_status taxpayer_id gross_income deductions childcare_costs commuting_distance
        church_tax capital_gains pension_contributions refund_iban spouse_name home_office_days tax_class""",
    "visa": """surname given_names place_of_birth passport_issue_date passport_expiry travel_purpose entry_date
        stay_length host_name host_address sponsor criminal_record previous_visa_number mother_name father_name
        fingerprint_consent""",
    "parcel": """sender_name sender_zip recipient_name recipient_street recipient_zip parcel_weight parcel_length
        parcel_width parcel_height contents declared_value customs_code pickup_date insurance_value tracking_email""",
    "subscription": """subscriber_email renewal_day seats billing_cycle gift_code household_members device_limit
        reactivation_pin trial_start payer_name invoice_reference""",
    "car_rental": """pickup_station dropoff_station pickup_hour driver_age license_issued_in child_seat
        mileage_package second_driver deposit_card vehicle_group flight_arrival fuel_choice""",
    "mortgage": """property_value down_payment fixed_rate_years repayment_rate property_type living_area plot_number
        notary_name equity_share renovation_budget land_registry_sheet household_net_income""",
    "pet_insurance": """pet_name pet_breed pet_birthday chip_number neutered vet_name vet_phone pre_existing_conditions
        pet_weight adoption_date""",
    "energy_contract": """meter_number meter_reading previous_supplier annual_consumption supply_start grid_operator
        heating_type household_persons tariff_code sepa_mandate cancellation_by_us""",
    "internet_contract": """line_owner router_serial previous_provider port_number_from bandwidth installation_window
        technician_note building_entrance floor_number switch_date""",
    "course_enrolment": """learner_name course_code cohort prior_knowledge learning_goal employer_funding voucher
        preferred_weekday exam_language laptop_available tutor""",
    "gym_membership": """member_name home_club fitness_goal health_declaration trainer_request locker_number
        start_month emergency_name emergency_phone corporate_code""",
    "restaurant_reservation": """party_size seating_area reservation_date reservation_time occasion allergy_note
        high_chairs reservation_name reservation_phone wine_pairing""",
    "wedding_registry": """partner_one partner_two ceremony_date venue_name guest_count shipping_until thank_you_note
        registry_password wish_amount hidden_from""",
    "warranty_claim": """serial_number model_number fault_description fault_date proof_of_purchase store_name
        repair_or_replace return_label pickup_address claim_reference""",
    "product_return": """return_reason item_condition order_reference refund_method exchange_size parcel_shop
        photo_of_damage rma_number bank_code""",
    "newsletter": """reader_email reader_name topics_of_interest send_frequency mail_format birthday_month
        how_did_you_hear consent_marketing""",
    "demo_request": """work_email job_function company_size team_size use_case current_tool go_live_date budget_range
        calendar_slot decision_maker meeting_language""",
    "quote_request": """project_description square_meters material_wish desired_completion site_address drawings
        budget_limit contact_hours installer_visit""",
    "moving_service": """from_address to_address moving_day volume_cubic_meters floor_from floor_to elevator piano
        packing_help storage_weeks access_note""",
    "solar_planner": """roof_area roof_pitch roof_orientation shading electricity_use battery_wish wallbox
        construction_year monument_protection feed_in_meter""",
    "blood_donation": """donor_number last_donation recent_travel hemoglobin tattoo_date donation_site current_illness
        consent_to_testing""",
    "library_card": """reader_number card_pin home_branch parent_signature proof_of_residence pickup_shelf
        loan_reminder youth_account""",
    "passport_renewal": """old_passport_number issuing_office eye_color body_height biometric_photo_code
        residence_since delivery_office name_at_birth lost_report""",
    "voter_registration": """polling_district registered_address previous_district party_choice id_document
        absentee_ballot naturalization_date""",
    "building_permit": """parcel_of_land architect_name building_class floor_area building_height neighbor_consent
        fire_protection drainage_plan heritage_zone start_of_works""",
    "business_insurance": """turnover payroll_sum hazard_class headcount loss_history premises_area cyber_cover
        liability_limit broker_number policy_start""",
    "investment_account": """source_of_wealth risk_appetite investment_horizon tax_residency trading_experience
        initial_deposit reference_account politically_exposed knowledge_test""",
    "crypto_wallet": """wallet_label seed_phrase_check withdrawal_address two_step_token selfie_code spending_limit
        network_choice recovery_words""",
    "freelancer_profile": """headline hourly_rate availability_hours service_area portfolio_link certification
        vat_status payout_account id_scan languages_spoken""",
    "car_listing": """mileage first_registration fuel gearbox number_of_owners accident_free asking_price
        inspection_until vin paint_color seller_phone""",
    "home_listing": """listing_title rooms_total rent_cold service_charges deposit_months furnished available_from
        energy_rating balcony viewing_times""",
    "hotel_feedback": """stay_number overall_rating cleanliness breakfast_rating staff_rating noise_level would_return
        comment_public reviewer_city""",
    "incident_report": """incident_time incident_place witnesses injuries damage_estimate reported_by police_reference
        root_cause corrective_action supervisor""",
    "expense_claim": """cost_center trip_reason receipt_date amount_net amount_tax mileage_driven per_diem
        approver payout_iban project_code""",
    "vacation_request": """absence_type first_day last_day half_day substitute handover_note manager_approval
        remaining_days""",
    "school_trip": """pupil_name class_name swimming_allowed medication_needed pickup_person allergy_card
        payment_purpose photo_consent""",
    "vaccination": """vaccine_wish dose_number earlier_reactions practice_choice appointment_day insurance_card
        pregnancy consent_minor""",
    "dentist_appointment": """treatment_type last_checkup anxiety_level pain_side preferred_dentist recall_interval
        statutory_insured xray_available""",
    "legal_intake": """opposing_party matter_summary deadline court_file claim_value legal_protection_insurer
        power_of_attorney conflict_check mandate_signature""",
    "grant_application": """project_title principal_investigator funding_line requested_sum project_months ethics_vote
        host_institution abstract co_funding reviewer_exclusion""",
    "marketplace_seller": """shop_name shop_address tax_registration payout_schedule return_address product_category
        brand_owner handling_days warehouse_code""",
    "api_access": """app_name redirect_uri scopes webhook_url callback_secret request_quota rotation_days
        technical_contact allowed_origins""",
    "trade_in": """device_model storage_size device_condition imei battery_health screen_cracks payout_choice
        shipping_kit find_my_disabled""",
    "vineyard_tour": """tour_day tasting_group designated_driver cellar_access vegetarian_plate bottle_order
        guide_language shuttle_from""",
    "cemetery_service": """deceased_name relation_to_deceased burial_form ceremony_hall flowers_wish death_certificate
        speaker_request mourning_address""",
    "boat_charter": """skipper_license crew_list boat_length harbor_of_departure charter_week security_deposit
        dinghy sea_miles""",
    "farm_subsidy": """holding_number arable_hectares livestock_units organic_since crop_rotation bank_of_farm
        irrigation successor""",
}

FORM_KINDS: dict[str, tuple[str, ...]] = {kind: tuple(fields.split()) for kind, fields in _FIELDS.items()}
"""Kinds of forms, each with its fields in document order."""
